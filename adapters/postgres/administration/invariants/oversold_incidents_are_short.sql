-- Every open incident of oversold stock has a stock level below zero.
select jsonb_build_object('incident', incidents.id) as about, 1 as expected,
    (on_hand - unavailable - allocated - held < 0)::int as actual
from incidents left join stock_levels using (store, sku)
where incidents.kind = 'oversold' and incidents.state = 'open'

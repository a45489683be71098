-- On hand is the sum of the stock movements.
select jsonb_build_object('store', store, 'sku', sku) as about,
    coalesce(ledger.on_hand, 0) as expected, stock_levels.on_hand as actual
from stock_levels left join (
    select store, sku, sum(on_hand)::bigint as on_hand from stock_movements group by store, sku
) as ledger using (store, sku)

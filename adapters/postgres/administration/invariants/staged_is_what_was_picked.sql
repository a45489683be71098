-- Staged stock is what fulfilments have picked and not yet handed over or put back.
select jsonb_build_object('store', store, 'sku', sku) as about,
    coalesce(picked.staged, 0) as expected, stock_levels.staged as actual
from stock_levels left join (
    select store, sku, sum(staged * units)::bigint as staged from fulfilment_parts
    group by store, sku
) as picked using (store, sku)

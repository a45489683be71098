-- Unavailable stock is the sum of the stock movements.
select jsonb_build_object('store', store, 'sku', sku) as about,
    coalesce(ledger.unavailable, 0) as expected, stock_levels.unavailable as actual
from stock_levels left join (
    select store, sku, sum(unavailable)::bigint as unavailable
    from stock_movements group by store, sku
) as ledger using (store, sku)

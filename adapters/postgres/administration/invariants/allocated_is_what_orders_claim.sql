-- Allocated stock is the sum of the open allocations of orders.
select jsonb_build_object('store', store, 'sku', sku) as about,
    coalesce(claims.allocated, 0) as expected, stock_levels.allocated as actual
from stock_levels left join (
    select store, sku, sum(quantity - consumed - released)::bigint as allocated
    from allocations group by store, sku
) as claims using (store, sku)

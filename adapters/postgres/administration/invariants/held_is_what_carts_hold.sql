-- Held stock is the sum of the units of holds.
select jsonb_build_object('store', store, 'sku', sku) as about,
    coalesce(claims.held, 0) as expected, stock_levels.held as actual
from stock_levels left join (
    select store, sku, sum(quantity)::bigint as held from hold_units group by store, sku
) as claims using (store, sku)

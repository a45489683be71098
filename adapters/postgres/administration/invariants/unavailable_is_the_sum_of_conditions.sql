-- Unavailable stock is the sum of the units in conditions.
select jsonb_build_object('store', store, 'sku', sku) as about,
    stock_levels.unavailable as expected, coalesce(sums.units, 0) as actual
from stock_levels left join (
    select store, sku, sum(units) as units from stock_conditions group by store, sku
) as sums using (store, sku)

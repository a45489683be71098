-- Every store and SKU with a stock movement has a stock level.
select jsonb_build_object('store', store, 'sku', sku) as about,
    1 as expected, count(stock_levels.version) as actual
from (select distinct store, sku from stock_movements) as moved
left join stock_levels using (store, sku)
group by store, sku

-- Adds units to the conditions of stock levels, whose rows are locked.
with change as (
    select store, sku, condition, sum(units)::int as units from unnest(
        :stores::text[], :skus::text[], :conditions::text[], :units::int[]
    ) as move (store, sku, condition, units)
    group by store, sku, condition
), changed as (
    update stock_conditions set units = stock_conditions.units + change.units from change
    where (stock_conditions.store, stock_conditions.sku, stock_conditions.condition)
        = (change.store, change.sku, change.condition)
    returning change.*
)
insert into stock_conditions (store, sku, condition, units)
select * from change except select * from changed

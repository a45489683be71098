-- Publishes the stock levels of SKUs again; returns those that are oversold.
with locked as (
    select store, sku from stock_levels where sku = any(:skus::text[])
    order by store, sku for update
), changed as (
    update stock_levels as level set version = level.version + 1 from locked
    where level.store = locked.store and level.sku = locked.sku
    returning level.store, level.sku, level.on_hand, level.unavailable, level.allocated, level.held,
        level.staged, level.safety_stock, level.version
), published as (
    insert into feed_outbox (
        store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version, cause,
        recorded_at
    )
    select *, 'catalogue', :now from changed
)
select store, sku from changed where on_hand - unavailable - allocated - held < 0
order by store, sku

-- Records counts that confirmed the figures of stock levels; publishes those that ended a doubt.
with confirmed as (
    update stock_levels as level set
        seen_at = greatest(level.seen_at, change.seen_at),
        missed_at = greatest(level.missed_at, change.missed_at),
        misses = case
            when change.cleared_at
                >= coalesce(greatest(level.missed_at, change.missed_at), change.cleared_at)
            then 0 else level.misses + coalesce(change.misses, 0) end,
        shrink = case when change.counted then level.shrink / 2 else level.shrink end,
        version = level.version + change.news
    from (
        select report.*,
            (before.misses + report.misses > 0 or before.shrink > 0 and report.counted)::int as news
        from unnest(
            :stores::text[], :skus::text[], :seen_ats::timestamptz[], :cleared_ats::timestamptz[],
            :missed_ats::timestamptz[], :misses::int[], :counted::boolean[]
        ) as report (store, sku, seen_at, cleared_at, missed_at, misses, counted)
        join stock_levels as before on before.store = report.store and before.sku = report.sku
    ) as change
    where level.store = change.store and level.sku = change.sku
    returning level.store, level.sku, level.on_hand, level.unavailable, level.allocated, level.held,
        level.staged, level.safety_stock, level.version, change.news
), published as (
    insert into feed_outbox (
        store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version, cause,
        recorded_at
    )
    select store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version, 'look',
        :now
    from confirmed where news = 1
)
select store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version
from confirmed where news = 1

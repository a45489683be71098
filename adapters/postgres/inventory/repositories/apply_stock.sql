-- Adds stock movements, changes the locked stock levels by their sums, and publishes them.
with moved as (
    insert into stock_movements (
        store, sku, kind, on_hand, unavailable, cause, actor, occurred_at, conditions, recorded_at
    )
    select *, :now from unnest(
        :line_stores::text[], :line_skus::text[], :line_kinds::text[], :line_on_hand::int[],
        :line_unavailable::int[], :line_causes::text[], :line_actors::text[],
        :line_occurred_ats::timestamptz[], :line_conditions::jsonb[]
    )
), changed as (
    update stock_levels as level set
        on_hand = level.on_hand + coalesce(change.on_hand, 0),
        unavailable = level.unavailable + coalesce(change.unavailable, 0),
        allocated = level.allocated + coalesce(change.allocated, 0),
        held = level.held + coalesce(change.held, 0),
        staged = level.staged + coalesce(change.staged, 0),
        safety_stock = level.safety_stock + coalesce(change.safety_stock, 0),
        version = level.version + 1,
        seen_at = greatest(level.seen_at, change.seen_at),
        missed_at = greatest(level.missed_at, change.missed_at),
        misses = case
            when change.cleared_at
                >= coalesce(greatest(level.missed_at, change.missed_at), change.cleared_at)
            then 0 else level.misses + coalesce(change.misses, 0) end,
        shrink = case
            when change.counted
            then (level.shrink + least(1, greatest(0, -change.on_hand)
                / greatest(1, level.on_hand)::real)) / 2
            else level.shrink end
    from unnest(
        :stores::text[], :skus::text[], :on_hand::int[], :unavailable::int[], :allocated::int[],
        :held::int[], :staged::int[], :safety_stock::int[], :causes::text[],
        :seen_ats::timestamptz[], :cleared_ats::timestamptz[], :missed_ats::timestamptz[],
        :misses::int[], :counted::boolean[]
    ) as change (
        store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, cause,
        seen_at, cleared_at, missed_at, misses, counted
    )
    where level.store = change.store and level.sku = change.sku
    returning level.store, level.sku, level.on_hand, level.unavailable, level.allocated, level.held,
        level.staged, level.safety_stock, level.version, cause
), published as (
    insert into feed_outbox (
        store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version, cause,
        recorded_at
    )
    select *, :now from changed
)
select store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version
from changed

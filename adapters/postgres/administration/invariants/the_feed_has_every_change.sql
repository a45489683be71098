-- The change feed has every version of a stock level from its oldest one on, up to the newest.
select jsonb_build_object('store', store, 'sku', sku, 'figure', figure) as about,
    expected, actual
from stock_levels
join (
    select store, sku, count(*) as published, max(version) - min(version) + 1 as changes,
        max(version) as newest
    from (
        select store, sku, version from feed
        union all
        select store, sku, version from feed_outbox
    ) as changes
    group by store, sku
) as history using (store, sku), lateral (values
    ('changes', history.changes, history.published),
    ('newest', stock_levels.version, history.newest)
) as compared (figure, expected, actual)

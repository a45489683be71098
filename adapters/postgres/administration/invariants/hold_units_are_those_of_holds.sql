-- The claims on stock levels are the units of the active holds, until the same time.
select jsonb_build_object('hold', hold, 'store', store, 'sku', sku, 'figure', figure) as about,
    expected, actual
from (
    select id as hold, at_store.key as store, unit.key as sku, unit.value::bigint as units,
        extract(epoch from held_until)::bigint as until
    from holds, jsonb_each(units) as at_store, jsonb_each_text(at_store.value) as unit
    where state = 'active'
) as active
full join (
    select hold, store, sku, sum(quantity)::bigint as units,
        extract(epoch from max(held_until))::bigint as until
    from hold_units group by hold, store, sku
) as claimed using (hold, store, sku),
    lateral (values
        ('units', active.units, claimed.units),
        ('until', active.until, claimed.until)
    ) as compared (figure, expected, actual)

-- The units of a received return are the stock movements that it caused.
select jsonb_build_object('return', return_id, 'sku', sku, 'figure', figure) as about,
    expected, actual
from (
    select return_id, store, part.key as sku,
        sum(quantity * part.value::int) as on_hand,
        sum(quantity * part.value::int)
            filter (where disposition in ('damaged', 'quarantine')) as unavailable
    from return_lines, jsonb_each_text(parts) as part
    where state = 'received'
    group by return_id, store, part.key
) as returned
full join (
    select cause as return_id, store, sku, sum(on_hand) as on_hand,
        sum(unavailable) as unavailable
    from stock_movements where kind = 'return' and starts_with(cause, 'ret_')
    group by cause, store, sku
) as moved using (return_id, store, sku),
    lateral (values
        ('on_hand', coalesce(moved.on_hand, 0), coalesce(returned.on_hand, 0)),
        ('unavailable', coalesce(moved.unavailable, 0), coalesce(returned.unavailable, 0))
    ) as compared (figure, expected, actual)

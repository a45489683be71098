-- Incoming stock is what open deliveries and transfers still bring, with the same date.
select jsonb_build_object('source', source, 'store', store, 'sku', sku, 'figure', figure) as about,
    expected, actual
from incoming_stock
full join expected_stock using (source, store, sku),
    lateral (values
        ('units', coalesce(expected_stock.units, 0), coalesce(incoming_stock.units, 0)),
        ('due_on', 1, (expected_stock.due_on is not distinct from incoming_stock.due_on)::int)
    ) as compared (figure, expected, actual)

-- The units that a delivery brought are the stock movements of its store.
select jsonb_build_object('delivery', delivery, 'sku', sku, 'figure', figure) as about,
    expected, actual
from (
    select deliveries.id as delivery, deliveries.destination, line.*
    from deliveries, jsonb_to_recordset(deliveries.lines) as line (sku text, received int)
) as announced
full join (
    select split_part(cause, '.', 1) as delivery, sku, min(store) as destination,
        sum(on_hand) as received
    from stock_movements where kind = 'received' and starts_with(cause, 'dlv_')
    group by split_part(cause, '.', 1), sku
) as moved using (delivery, sku),
    lateral (values
        ('received', coalesce(moved.received, 0), announced.received),
        ('destination', 1,
            (coalesce(moved.destination, announced.destination) = announced.destination)::int)
    ) as compared (figure, expected, actual)

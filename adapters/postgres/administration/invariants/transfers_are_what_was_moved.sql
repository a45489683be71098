-- The units that a transfer sent and received are the stock movements of both stores.
select jsonb_build_object('transfer', transfer, 'sku', sku, 'figure', figure) as about,
    expected, actual
from (
    select transfers.id as transfer, transfers.origin, transfers.destination, line.*
    from transfers,
        jsonb_to_recordset(transfers.lines) as line (sku text, quantity int, received int)
) as sent
full join (
    select split_part(cause, '.', 1) as transfer, sku,
        -sum(on_hand) filter (where kind = 'transfer_out') as quantity,
        sum(on_hand) filter (where kind = 'transfer_in') as received,
        min(store) filter (where kind = 'transfer_out') as origin,
        min(store) filter (where kind = 'transfer_in') as destination
    from stock_movements where kind in ('transfer_out', 'transfer_in')
    group by split_part(cause, '.', 1), sku
) as moved using (transfer, sku),
    lateral (values
        ('quantity', coalesce(moved.quantity, 0), sent.quantity),
        ('received', coalesce(moved.received, 0), sent.received),
        ('origin', 1, (moved.origin = sent.origin)::int),
        ('destination', 1,
            (coalesce(moved.destination, sent.destination) = sent.destination)::int)
    ) as compared (figure, expected, actual)

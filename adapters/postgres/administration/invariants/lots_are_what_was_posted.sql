-- The points of a lot are the sums of the ledger.
select jsonb_build_object('lot', points_lots.id, 'figure', figure) as about, expected, actual
from points_lots
left join points_lot_balances as ledger on ledger.lot = points_lots.id, lateral (values
    ('pending', coalesce(ledger.pending, 0), points_lots.pending),
    ('remaining', coalesce(ledger.remaining, 0), points_lots.remaining),
    ('reversed', coalesce(ledger.reversed, 0), points_lots.reversed)
) as compared (figure, expected, actual)

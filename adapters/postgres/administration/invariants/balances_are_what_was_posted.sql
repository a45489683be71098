-- The points balances of a member are the sums of the ledger.
select jsonb_build_object('member', loyalty_members.id, 'figure', figure) as about,
    expected, actual
from loyalty_members
left join points_balances as ledger on ledger.member = loyalty_members.id, lateral (values
    ('pending', coalesce(ledger.pending, 0), loyalty_members.pending),
    ('available', coalesce(ledger.available, 0), loyalty_members.available),
    ('held', coalesce(ledger.held, 0), loyalty_members.held),
    ('debt', coalesce(ledger.debt, 0), loyalty_members.debt)
) as compared (figure, expected, actual)

-- The pending and available points of a member are the sums of the member's lots.
select jsonb_build_object('member', id, 'figure', figure) as about, expected, actual
from loyalty_members
left join (
    select member as id, sum(pending)::bigint as pending, sum(remaining)::bigint as remaining
    from points_lots group by member
) as lots using (id), lateral (values
    ('pending', coalesce(lots.pending, 0), loyalty_members.pending),
    ('available', coalesce(lots.remaining, 0), loyalty_members.available)
) as compared (figure, expected, actual)

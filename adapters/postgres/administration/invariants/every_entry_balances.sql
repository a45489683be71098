-- The postings of every points entry balance.
select jsonb_build_object('entry', points_entries.id) as about,
    coalesce(sum(points) filter (where side = 'debit'), 1)::bigint as expected,
    coalesce(sum(points) filter (where side = 'credit'), 0)::bigint as actual
from points_entries left join points_postings on points_postings.entry = points_entries.id
group by points_entries.id

-- There is one message of a kind about the same thing.
select jsonb_build_object('kind', kind, 'about', key) as about,
    1 as expected, count(*) as actual
from messages group by kind, key

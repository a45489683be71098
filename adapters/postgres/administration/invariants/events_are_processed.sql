-- No event in the outbox has failed more than ten times.
select jsonb_build_object('event', id::text, 'kind', kind) as about,
    least(attempts, 10) as expected, attempts as actual
from outbox_events

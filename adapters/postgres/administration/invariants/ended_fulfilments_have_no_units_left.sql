-- Ended fulfilments and orders have no units that are still to be given.
select jsonb_build_object('group', fulfilment_id, 'line', line) as about,
    0 as expected, remaining as actual
from fulfilment_parts
where state not in ('placed', 'accepted', 'picking', 'ready')
union all
select jsonb_build_object('order', order_id, 'line', line), 0, quantity - given - cancelled
from order_lines
where state in ('cancelled', 'fulfilled')

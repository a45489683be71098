-- Merged and expired carts have no active hold.
select jsonb_build_object('cart', carts.id, 'hold', holds.id) as about, 0 as expected,
    (holds.state = 'active')::int as actual
from holds join carts on carts.hold = holds.id
where carts.state in ('merged', 'expired')

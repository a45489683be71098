-- A hold that is pinned for a payment has an open payment attempt of an order that awaits it.
select jsonb_build_object('hold', holds.id) as about, 1 as expected,
    (
        payment_attempts.state in ('started', 'waiting') and orders.state = 'pending_payment'
        and orders.attempt = payment_attempts.id
    )::int as actual
from holds
join payment_attempts on payment_attempts.id = holds.attempt
join orders on orders.id = payment_attempts.order_id
where holds.state = 'active' and pinned_until > now()

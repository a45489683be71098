-- Every placed order that is paid by card has an authorised payment attempt.
select jsonb_build_object('order', orders.id) as about, 1 as expected,
    (payment_attempts.authorised > 0)::int as actual
from orders left join payment_attempts on payment_attempts.id = orders.attempt
where orders.attempt is not null and orders.state not in ('pending_payment', 'expired')

-- No more is captured than the order is to pay and pending refunds will return.
select jsonb_build_object('attempt', id) as about, 0 as expected,
    greatest(captured - refunded - pending_refund - to_pay, 0) as actual
from payment_balances

-- A payment attempt refunds at most what it captured.
select jsonb_build_object('attempt', id) as about, 0 as expected,
    greatest(refunded - captured, requested_refund - captured, 0) as actual
from payment_balances

-- The money of each payment attempt: what its order is to pay, and the refunds that are requested
-- (`requested_refund`) and not yet confirmed (`pending_refund`).
create view payment_balances as
select attempt.id, attempt.order_id, attempt.state, attempt.payment, attempt.authorised,
    attempt.captured, attempt.refunded - attempt.refund_failed as refunded,
    case when orders.attempt = attempt.id and orders.state <> 'expired'
        then orders.to_pay_minor - orders.refunded_minor else 0
    end as to_pay,
    coalesce((
        select sum(amount)::bigint from payment_transactions as refund
        where refund.attempt = attempt.id and kind = 'refund' and refund.state <> 'done'
    ), 0) as pending_refund,
    coalesce((
        select sum(amount)::bigint from payment_transactions as refund
        where refund.attempt = attempt.id and kind = 'refund' and refund.state <> 'refused'
    ), 0) as requested_refund
from payment_attempts as attempt join orders on orders.id = attempt.order_id;

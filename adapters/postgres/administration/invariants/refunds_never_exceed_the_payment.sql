-- The returns of an order refund at most the amount that was to pay.
select jsonb_build_object('order', order_id) as about,
    least(refunded, to_pay_minor) as expected, refunded as actual
from orders join (
    select order_id, sum(refund_minor)::bigint as refunded from return_lines group by order_id
) as refunds on refunds.order_id = orders.id

-- The amount that an order has refunded through its provider is that of its returns.
select jsonb_build_object('order', orders.id) as about,
    coalesce(refunds.amount, 0) as expected, refunded_minor as actual
from orders left join (
    select order_id, sum((refund.amount ->> 'amount')::bigint)::bigint as amount
    from returns, jsonb_to_recordset(refunds) as refund (amount jsonb, through text)
    where refund.through = 'provider' group by order_id
) as refunds on refunds.order_id = orders.id

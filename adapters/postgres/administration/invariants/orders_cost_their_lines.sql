-- The amount to pay of an order is that of its lines without cancelled units, with shipping while
-- any unit is sent.
select jsonb_build_object('order', orders.id) as about,
    lines.goods + case when lines.is_shipped
        then coalesce((pricing #>> '{shipping,to_pay,amount}')::bigint, 0) else 0
    end as expected,
    to_pay_minor as actual
from orders join (
    select order_id, bool_or(cancelled < quantity and fulfilment_id like 'shp%') as is_shipped,
        sum(order_lines.to_pay_minor * (quantity - cancelled) / quantity)::bigint as goods
    from order_lines
    group by order_id
) as lines on lines.order_id = orders.id

-- Refund and deduction of the returned units of an order line are those units' share of its price.
select jsonb_build_object('order', order_id, 'line', line) as about,
    to_pay_minor * units / quantity as expected, worth as actual
from order_lines
join (
    select order_id, line, sum(quantity)::bigint as units,
        sum(refund_minor + withheld_minor)::bigint as worth
    from return_lines where state = 'received'
    group by order_id, line
    having bool_and(receipt is null and decided_by = '')
) as returned using (order_id, line)

-- A row for each line of an order that was placed.
create view order_lines as
select orders.id as order_id, orders.state, orders.customer, coalesce(item.line, item.sku) as line,
    item.sku, item.quantity, item.collected + coalesce(item.shipped, 0) as given, item.cancelled,
    coalesce(item.returned, 0) as returned, item.points,
    (item.to_pay ->> 'amount')::bigint as to_pay_minor, item."group" as fulfilment_id
from orders, jsonb_to_recordset(orders.lines) as item (
    line text, sku text, quantity int, collected int, shipped int, cancelled int, returned int,
    points bigint, to_pay jsonb, "group" text
)
where orders.state not in ('pending_payment', 'expired');

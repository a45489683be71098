-- The returned units of an order line are those of its received returns, and at most those given.
select jsonb_build_object('order', order_id, 'line', line, 'figure', figure) as about,
    expected, actual
from (select order_id, line, returned, given from order_lines) as ordered
full join (
    select order_id, line, sum(quantity) as units from return_lines
    where state = 'received' and order_id is not null
    group by order_id, line
) as received using (order_id, line),
    lateral (values
        ('returned', coalesce(received.units, 0), returned),
        ('at_most_given', least(returned, given), returned)
    ) as compared (figure, expected, actual)

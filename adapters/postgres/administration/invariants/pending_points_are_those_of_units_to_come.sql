-- The pending points of an order line are those of its units that are still to be given.
select jsonb_build_object('order', order_id, 'line', order_lines.line) as about,
    order_lines.points - order_lines.points * (given + cancelled) / quantity as expected,
    coalesce(points_lots.pending, 0) as actual
from order_lines
left join points_lots on points_lots.purchase = order_id and points_lots.line = order_lines.line
    and points_lots.origin is null
where order_lines.points > 0

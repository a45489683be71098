-- Pickups and shipments as one. Where no time was promised, the time of the order counts.
create view fulfilments as
select id, order_id, store, state, lines, promised_from, placed_at
from pickups
union all
select id, order_id, store, state, lines, coalesce(promised_from, placed_at), placed_at
from shipments;

-- A row for each line of a fulfilment. `parts` are the units of each SKU that one unit consists of.
create view fulfilment_lines as
select fulfilments.id as fulfilment_id, order_id, store, state, promised_from, placed_at,
    line.sku, line.quantity, line.parts, line.picked, line.cancelled, line.given, line.put_back
from fulfilments, jsonb_to_recordset(fulfilments.lines) as line (
    sku text, quantity int, parts jsonb, picked int, cancelled int, given int, put_back int
);

-- A row for each SKU that a line of a fulfilment consists of; `units` of it make one of the line.
create view fulfilment_parts as
select fulfilment_id, state, store, line.sku as line, part.key as sku, part.value::int as units,
    quantity, given, picked - given - put_back as staged, quantity - given - cancelled as remaining
from fulfilment_lines as line, jsonb_each_text(line.parts) as part;

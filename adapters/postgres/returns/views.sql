-- A row for each line of a return.
create view return_lines as
select returns.id as return_id, returns.order_id, returns.store, returns.state, returns.receipt,
    returns.decided_by, item.line, item.sku, item.quantity, item.disposition, item.parts,
    (item.refund ->> 'amount')::bigint as refund_minor,
    (item.withheld ->> 'amount')::bigint as withheld_minor
from returns, jsonb_to_recordset(returns.lines) as item (
    line text, sku text, quantity int, disposition text, parts jsonb, refund jsonb, withheld jsonb
);

-- A row for each change of the units in a condition. A movement without conditions is older than
-- they are, and meant the only one there was.
create view stock_condition_changes as
select store, sku, changed.condition, changed.units::int as units, recorded_at
from stock_movements, jsonb_each_text(
    coalesce(conditions, jsonb_build_object('quality_check', unavailable))
) as changed (condition, units)
where unavailable <> 0;

-- Units of each condition, by the ledger.
create view stock_condition_sums as
select store, sku, condition, sum(units)::bigint as units
from stock_condition_changes group by store, sku, condition;

-- Units that open deliveries and transfers still bring.
create view expected_stock as
select line.sku, destination as store, id as source, quantity - received as units, due_on
from (
    select id, destination, lines, due_on from deliveries where closed_at is null
    union all
    select id, destination, lines, due_on from transfers where closed_at is null
) as consignment, jsonb_to_recordset(lines) as line (sku text, quantity int, received int)
where quantity > received;

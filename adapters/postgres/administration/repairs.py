"""Repairs: the ordered SQL statements that set a broken figure to the sum of its ledger."""

from typing import Final

from adapters.postgres.db.statements import Statement
from adapters.postgres.inventory.repositories.stock_levels import SHELF
from domain.inventory.stock_levels import MovementReason

COUNTED: Final = {
    "on_hand_is_what_was_moved": "on_hand",
    "unavailable_is_what_was_moved": "unavailable",
    "allocated_is_what_orders_claim": "allocated",
    "staged_is_what_was_picked": "staged",
    "held_is_what_carts_hold": "held",
}
"""The figure of a shelf that each is about."""
SAFETY: Final = "safety_stock_is_what_was_reported"
"""Safety stock of a missing stock level: the value of the last reported line."""
FIGURES: Final = {**COUNTED, SAFETY: "safety_stock"}
REPAIRABLE: Final = (
    *COUNTED,
    "conditions_are_what_was_moved",
    "balances_are_what_was_posted",
    "lots_are_what_was_posted",
    "incoming_is_what_is_on_its_way",
)
"""Figures that a ledger explains; another broken invariant needs a person."""

CLOSE: Final = """
    lock table stock_levels, stock_conditions, loyalty_members, points_lots,
        incoming_stock in exclusive mode
"""
"""Readers are not blocked. A weaker lock would deadlock with a writer that has locked a row."""

SHELVE: Final = """
    insert into stock_levels (store, sku, version)
    select store, sku, coalesce((
        select max(version) from (
            select store, sku, version from feed union all
            select store, sku, version from feed_outbox
        ) as told where (told.store, told.sku) = (gone.store, gone.sku)
    ), 1)
    from (
        select distinct store, sku from stock_movements join stores using (store)
        where not exists (
            select from stock_levels where (stock_levels.sku,
                stock_levels.store) = (stock_movements.sku, stock_movements.store)
        )
    ) as gone
    on conflict do nothing
    returning store, sku
"""
"""A missing stock level continues with the last published version."""
NOTE: Final = """
    insert into repairs (invariant, about, expected, actual, repaired_at, repair_id)
    select :invariant, about, expected, actual, :now, :repair from ({facts}) as fact
    where expected <> actual
    order by about
    returning about::text, expected, actual
"""
KEPT_BACK: Final = """
    select jsonb_build_object('store', store, 'sku', sku) as about,
        safety_stock as expected, 0 as actual
    from stock_counts join unnest(:stores::text[], :skus::text[])
        as gone (store, sku) using (store, sku)
    where safety_stock is not null
"""
SETTLE: Final = Statement("""
    update incidents set state = 'settled', settled_by = 'hylla', settled_at = :now,
        changed_at = :now
    from stock_levels
    where incidents.store = stock_levels.store and incidents.sku = stock_levels.sku
        and incidents.kind = 'oversold' and incidents.state = 'open'
        and on_hand - unavailable - allocated - held >= 0
""")
"""Also settles incidents that a broken figure had kept open."""
SET: Final = ", ".join(
    f"{name} = coalesce((repaired->'{name}'->>'set_to')::int, stock_levels.{name})"
    for name in FIGURES.values()
)
SHELVES_RIGHTED: Final = Statement(f"""
    with told as (
        select about->>'store' as store, about->>'sku' as sku, jsonb_object_agg(
            coalesce(figure, about->>'condition'),
            jsonb_build_object('was', actual, 'set_to', expected)
        ) as repaired
        from repairs left join (values {", ".join(f"('{i}', '{f}')" for i, f in FIGURES.items())})
            as counted (invariant, figure) using (invariant)
        where repair_id = :repair and about ? 'sku' and not about ? 'source'
        group by 1, 2
    ), line as (
        insert into stock_movements
            (store, sku, kind, cause, actor, occurred_at, recorded_at, repaired)
        select store, sku, '{MovementReason.REPAIR}', :repair, 'hylla', :now, :now, repaired
        from told
    ), righted as (
        update stock_levels set version = version + 1, {SET}
        from told where (stock_levels.store, stock_levels.sku) = (told.store, told.sku)
        returning {", ".join(f"stock_levels.{column}" for column in SHELF.split(", "))}
    ), fed as (
        insert into feed_outbox ({SHELF}, cause, recorded_at)
        select *, '{MovementReason.REPAIR}', :now from righted
    )
    select * from righted
""")
"""A repair is a movement of its own in the ledger, without a change of quantity.

Every stock level with a repaired figure or condition is published in the feed.
"""
PUT_RIGHT: Final = (
    """
    insert into stock_conditions (store, sku, condition, units)
    select store, sku, condition, coalesce(moved.units, 0)
    from stock_conditions full join stock_condition_sums as moved using (store, sku, condition)
    where stock_conditions.units is distinct from coalesce(moved.units, 0)
    on conflict (sku, store, condition) do update set units = excluded.units
    """,
    """
    update loyalty_members set pending = coalesce(ledger.pending, 0),
        available = coalesce(ledger.available, 0), held = coalesce(ledger.held, 0),
        debt = coalesce(ledger.debt, 0)
    from loyalty_members as member left join points_balances as ledger on ledger.member = member.id
    where loyalty_members.id = member.id
    """,
    """
    delete from incoming_stock where not exists (
        select from expected_stock
        where (expected_stock.sku, expected_stock.store, expected_stock.source)
            = (incoming_stock.sku, incoming_stock.store, incoming_stock.source)
    )
    """,
    """
    insert into incoming_stock (sku, store, source, units, due_on) select * from expected_stock
    on conflict (sku, store, source) do update set
        units = excluded.units, due_on = excluded.due_on
    where (incoming_stock.units, incoming_stock.due_on)
        is distinct from (excluded.units, excluded.due_on)
    """,
    """
    update points_lots set pending = coalesce(ledger.pending, 0),
        remaining = coalesce(ledger.remaining, 0), reversed = coalesce(ledger.reversed, 0)
    from points_lots as lot left join points_lot_balances as ledger on ledger.lot = lot.id
    where points_lots.id = lot.id
    """,
)

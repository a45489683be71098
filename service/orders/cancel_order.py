"""Cancellation of ordered units that have not left, whole or in part."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from domain.foundation.callers import Caller
from domain.fulfilment.fulfilments import Fulfilment, RepeatedLine, UnexpectedItem, deltas_between
from domain.fulfilment.pickups import Pickup
from domain.fulfilment.shipments import Shipment
from domain.kernel.errors import Conflict, DomainError, InvalidField
from domain.kernel.ids import OrderId, Sku
from domain.orders import timeline
from domain.orders.order_lines import OrderLine
from domain.orders.orders import Order
from domain.orders.progress import OrderDetails
from service.foundation.ports import IdempotencyKey
from service.orders.apply_transition import apply_transition
from service.orders.queries import ensure_visible, get_details, is_buyer
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

LineName = Annotated[str, Meta(min_length=1, max_length=80)]
Prepared = Pickup | Shipment


class NamedLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of an order: by its name; or by its SKU and, of several of it, the group."""

    line: LineName | None = None
    sku: Sku | None = None
    group: Annotated[str, Meta(min_length=1, max_length=64)] | None = None

    def __post_init__(self) -> None:
        if (self.line is None) == (self.sku is None):
            raise InvalidField("line", "line_or_sku", "name the line by its name or by its sku")

    def is_it(self, line: OrderLine) -> bool:
        named = line.line == self.line if self.line is not None else line.sku == self.sku
        return named and self.group in {None, line.group}


class CancelledLine(NamedLine, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of a line."""

    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class OrderCancellation(Struct, frozen=True, forbid_unknown_fields=True):
    """The cancelled units and the reason; without `lines`, all that have not left."""

    lines: Annotated[list[CancelledLine], Meta(min_length=1, max_length=200)] | None = None
    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "customer"


class NothingToCancel(Conflict):
    code = "nothing_to_cancel"

    def __init__(self, groups: Sequence[Fulfilment]) -> None:
        super().__init__(
            "Nothing of this order can be cancelled any more.",
            facts={"groups": [{"group": one.id, "state": one.state} for one in groups]},
        )


class AmbiguousOrderLine(Conflict):
    """The order has several lines of the SKU, and the request names none."""

    code = "several_lines"

    def __init__(self, lines: Sequence[OrderLine]) -> None:
        super().__init__(
            f"{lines[0].sku} is on several lines; name one of them.",
            facts={"lines": [{"line": one.line, "group": one.group} for one in lines]},
        )


@retry_on_conflict
async def cancel_order(
    units: Units,
    *,
    caller: Caller,
    order: OrderId,
    cancellation: OrderCancellation,
    key: IdempotencyKey | None,
) -> OrderDetails:
    """Cancels the units of an order that have not left, or those named: all of them, or none.

    The buyer and the office may cancel every fulfilment, a location its own. Picked units stay
    allocated until they are put back.

    Raises:
        NothingToCancel, AlreadyCollected, AlreadyShipped: it is too late.
        Unexpected: a line that the caller cannot cancel, or more units than are still to come.
        AmbiguousOrderLine, Repeated: a line is not identified, or is named twice.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, OrderDetails):
            return first
        found = await unit.orders.orders.get(order)
        ensure_visible(caller, found)
        before = list_visible_fulfilments(
            caller, found, await unit.fulfilment.progress.get_for_update(order)
        )
        steps = _steps(found, before, cancellation, unit)
        await _follow_all(unit, caller, steps, cancellation.reason)
        seen = await get_details(unit, caller, await unit.orders.orders.get(order))
        await unit.foundation.idempotency.save_answer(key, seen)
    return seen


def list_visible_fulfilments(
    caller: Caller, order: Order, groups: Collection[Prepared]
) -> list[Prepared]:
    """The groups that the caller may change: a location its own, its buyer and the office all."""
    if is_buyer(caller, order):
        return list(groups)
    return [group for group in groups if caller.works_at(group.store)]


Step = tuple[Prepared, Prepared]


def _steps(
    order: Order, groups: Sequence[Prepared], wish: OrderCancellation, unit: Unit
) -> list[Step]:
    """Returns each changed fulfilment, before and after the cancellation."""
    if wish.lines is None:
        return _without_all(groups, wish.reason, unit)
    named = lines_by_fulfilment(order, groups, wish.lines)
    return [
        (group, _without(group, named[group.id], wish.reason, unit))
        for group in groups
        if group.id in named
    ]


def _without(group: Prepared, units: Mapping[Sku, int], reason: str, unit: Unit) -> Prepared:
    if any(line.remaining for line in group.lines):
        return group.cancel_units(units, reason, unit.now)
    group.cancel(reason, unit.now)  # says why it is too late, if anything of it was given
    raise NothingToCancel([group])


def _without_all(groups: Sequence[Prepared], reason: str, unit: Unit) -> list[Step]:
    steps, too_late = [], None
    for group in groups:
        try:
            after = group.cancel(reason, unit.now)
        except DomainError as refusal:
            too_late = too_late or refusal
            continue
        if after is not group:
            steps.append((group, after))
    if steps:
        return steps
    raise too_late if too_late and len(groups) == 1 else NothingToCancel(groups)


def lines_by_fulfilment(
    order: Order, groups: Collection[Prepared], lines: Sequence[CancelledLine]
) -> dict[str, dict[Sku, int]]:
    """Units of each line by its group. Raises Unexpected, AmbiguousOrderLine, Repeated."""
    found: dict[str, dict[Sku, int]] = {}
    for position, wish in enumerate(lines):
        line = find_line(order, groups, wish, position)
        units = found.setdefault(line.group, {})
        if line.sku in units:
            raise RepeatedLine(line.sku)
        units[line.sku] = wish.quantity
    return found


def find_line(
    order: Order, groups: Collection[Prepared], wish: NamedLine, position: int
) -> OrderLine:
    """The line that is named at a position of the wish. Raises Unexpected, AmbiguousOrderLine."""
    ids = {group.id for group in groups}
    meant = [line for line in order.lines if line.group in ids and wish.is_it(line)]
    if not meant:
        field = "sku" if wish.line is None else "line"
        detail = f"There is no line {wish.line or wish.sku} that you can change."
        pointer = f"/lines/{position}/{field}"
        raise UnexpectedItem(
            detail,
            errors=[{"pointer": pointer, "code": UnexpectedItem.code, "detail": detail}],
            facts={"expected": [line.line for line in order.lines if line.group in ids]},
        )
    if len(meant) > 1:
        raise AmbiguousOrderLine(meant)
    return meant[0]


async def _follow_all(unit: Unit, caller: Caller, steps: Sequence[Step], reason: str) -> None:
    """Every step with all that it means; the shelves of all of them are locked in one order."""
    changes = [change for step in steps for change in deltas_between(*step)]
    await unit.inventory.stock_levels.get_for_update([change.key for change in changes])
    for before, after in steps:
        told = timeline.cancelled_entry(before, after, caller, reason)
        await apply_transition(unit, caller, before, after, told=told)

"""An order that was placed is changed: its quantities, its prices, and how to reach its buyer."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from domain.carts.cart_lines import MAX_QUANTITY
from domain.carts.cart_rules import QuantityLimitExceeded
from domain.foundation.callers import AccessDenied, Caller, Role
from domain.fulfilment.fulfilments import FulfilmentLine, RepeatedLine, deltas_between
from domain.inventory.stock_levels import (
    InsufficientStock,
    lines_by_stock_key,
    shortages,
    sum_by_key,
)
from domain.kernel.addresses import Address
from domain.kernel.errors import Forbidden
from domain.kernel.ids import WEB, OrderId, Sku
from domain.kernel.money import Money
from domain.orders import edits, timeline
from domain.orders.edits import (
    Edited,
    OrderVersionMismatch,
    added_units,
    ensure_address,
    ensure_not_started,
    ensure_price,
)
from domain.orders.order_lines import OrderLine
from domain.orders.orders import Contact, Order
from domain.orders.progress import OrderDetails
from domain.orders.timeline import QuantityChange, TimelineFacts
from domain.payments.transactions import coverable_amount
from service.foundation.ports import IdempotencyKey
from service.inventory.availability import get_products_with_parts
from service.orders.apply_transition import apply_transition
from service.orders.cancel_order import NamedLine, Prepared, Step, find_line
from service.orders.payment.apply_status import settle_payment
from service.orders.queries import ensure_visible, get_details, is_buyer
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

EDITED = "edited"
"""Why units were given up."""


class EditedLine(NamedLine, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many units the buyer is to get in all, those included that left; or another price."""

    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)] | None = None
    unit_price: Money | None = None


class OrderEdit(Struct, frozen=True, forbid_unknown_fields=True):
    """The changes of an order; a field left out stays as it is."""

    lines: Annotated[list[EditedLine], Meta(max_length=200)] = []
    contact: Contact | None = None
    address: Address | None = None


class LineEdit(Struct, frozen=True):
    """An edited line, as it was ordered and as its location has it."""

    line: OrderLine
    prepared: FulfilmentLine
    edit: EditedLine

    @property
    def wanted(self) -> int:
        """Units that its buyer was to get so far."""
        return self.prepared.quantity - self.prepared.cancelled

    @property
    def more(self) -> int:
        """Units by which it grows; negative where it shrinks."""
        return 0 if self.edit.quantity is None else self.edit.quantity - self.wanted


@retry_on_conflict
async def edit_order(
    units: Units,
    *,
    caller: Caller,
    order: OrderId,
    edit: OrderEdit,
    if_version: int | None,
    key: IdempotencyKey | None,
) -> OrderDetails:
    """Changes an order to the given fields; fields with their present value are not written.

    The office may change everything; the buyer all but prices, until picking begins. Additional
    units are allocated under the lock, at the price of their line; units fewer are cancelled.

    Raises:
        TooLateToChange: it is being picked, is ready, or has left; or more units are wanted of a
            line that was cancelled whole, or of which units were returned.
        QuantityLimitExceeded: a buyer wants more of a SKU than one order takes.
        InsufficientStock: there are fewer free units than needed; nothing changes.
        Unexpected, AmbiguousOrderLine, Repeated: a line is not identified.
        PaymentTooSmall, OrderVersionMismatch, InvalidField.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, OrderDetails):
            return first
        ensure_visible(caller, await unit.orders.orders.get(order))
        groups = await unit.fulfilment.progress.get_for_update(
            order
        )  # from here on no step of it, and no other edit
        before = await unit.orders.orders.get(order)
        _must_edit(caller, before, edit, groups)
        if if_version not in {None, before.version}:
            raise OrderVersionMismatch(before)
        after = await _edited(unit, caller, before, edit, groups)
        seen = await get_details(unit, caller, after)
        await unit.foundation.idempotency.save_answer(key, seen)
    return seen


def _must_edit(caller: Caller, order: Order, edit: OrderEdit, groups: Collection[Prepared]) -> None:
    """Raises AccessDenied, Forbidden, TooLateToChange."""
    if caller.role is not Role.OFFICE:
        if not is_buyer(caller, order):
            raise AccessDenied(caller, order.id)
        if any(line.unit_price for line in edit.lines):
            raise Forbidden("Only the office changes a price.")
        ensure_not_started(groups)
    if not groups:
        raise edits.TooLateToChange([])
    if edit.address and edit.address != order.address:
        ensure_address(groups)


async def _edited(
    unit: Unit, caller: Caller, before: Order, edit: OrderEdit, groups: Sequence[Prepared]
) -> Order:
    wishes = _wishes(before, groups, edit.lines)
    if caller.role is not Role.OFFICE:
        await _must_be_within_limits(unit, before, wishes)
    steps = [step for group in groups if (step := _step(unit, group, wishes))]
    await _claim(unit, steps)
    for was, becomes in steps:
        await apply_transition(unit, caller, was, becomes, told=())
    taken = await unit.orders.orders.get_for_update(before.id)
    differences = await _differences(unit, before, edit, wishes)
    after = edits.apply_edits(taken, differences, unit.now, await _covered(unit, taken))
    if after is not taken:
        await _promise_points(unit, taken, after)
        await unit.orders.orders.update(after)
        if after.is_paid_by_card:
            await settle_payment(unit, after)
        if after.contact != taken.contact:
            await unit.orders.orders.update_search_words(after)
    facts = _facts(before, after, wishes)
    if after.version != before.version:
        await unit.administration.outbox.add(told=[timeline.edited_entry(after, caller, facts)])
    return after


def _wishes(
    order: Order, groups: Collection[Prepared], lines: Sequence[EditedLine]
) -> list[LineEdit]:
    """Raises Unexpected, AmbiguousOrderLine, Repeated, InvalidField."""
    prepared: dict[tuple[str, Sku], FulfilmentLine] = {
        (group.id, line.sku): line for group in groups for line in group.lines
    }
    wishes: list[LineEdit] = []
    for position, edit in enumerate(lines):
        line = find_line(order, groups, edit, position)
        if line in [wish.line for wish in wishes]:
            raise RepeatedLine(line.sku)
        ensure_price(f"lines.{position}.unit_price", edit.unit_price, order.currency)
        wish = LineEdit(line, prepared[line.group, line.sku], edit)
        repriced = edit.unit_price not in {None, line.unit_price}
        ended = line.returned or not wish.wanted
        if (repriced and line.fulfilled) or (wish.more > 0 and ended):
            raise edits.TooLateToChange([one for one in groups if one.id == line.group])
        wishes.append(wish)
    return wishes


async def _must_be_within_limits(unit: Unit, order: Order, wishes: Sequence[LineEdit]) -> None:
    """As at the checkout; the office may grant more. Raises QuantityLimitExceeded."""
    units = Counter(order.units)
    for wish in wishes:
        units[wish.line.sku] += wish.more
    catalogue = await unit.catalogue.products.get_many(sorted({wish.line.sku for wish in wishes}))
    limits = {sku: unit.cart_rules.max_quantity_of(product) for sku, product in catalogue.items()}
    grown_skus = {wish.line.sku for wish in wishes if wish.more > 0}
    over = {sku: limits[sku] for sku in grown_skus if units[sku] > limits[sku]}
    if over:
        raise QuantityLimitExceeded(over)


def _step(unit: Unit, group: Prepared, wishes: Sequence[LineEdit]) -> Step | None:
    """The group as it was and as it is wanted; None where it stays as it is."""
    mine = {wish.line.sku: wish.more for wish in wishes if wish.line.group == group.id}
    more = {sku: count for sku, count in mine.items() if count > 0}
    fewer = {sku: -count for sku, count in mine.items() if count < 0}
    after = added_units(group, more, unit.now)
    if fewer:
        after = after.cancel_units(fewer, EDITED, unit.now)
    return None if after is group else (group, after)


async def _claim(unit: Unit, steps: Sequence[Step]) -> None:
    """Locks every stock level of the steps and checks it. Raises InsufficientStock.

    The steps write their allocations themselves.
    """
    touched = [change for step in steps for change in deltas_between(*step)]
    changes = sum_by_key(touched)
    if not changes:
        return
    # Also where nothing changes: the steps lock whole groups, and nobody locks less first.
    levels, terms = await unit.inventory.sellable_stock.get_for_update(
        sorted({one.key for one in touched}), [WEB]
    )
    catalogue = await get_products_with_parts(unit, sorted({change.sku for change in changes}))
    wanted = {
        change.key: change.allocated
        for change in changes
        if change.allocated > 0 and catalogue[change.sku].tracked
    }
    if short := shortages(wanted, terms[WEB].apply_to_all(levels)):
        lines = [(one.store, line.sku, line.parts) for _, one in steps for line in one.lines]
        raise InsufficientStock(short, lines_by_stock_key(lines))


async def _covered(unit: Unit, order: Order) -> Money | None:
    """Returns the amount that can be captured for a locked order paid by card, before its edit."""
    if order.attempt is None:
        return None
    attempts = await unit.payments.attempts.list_by_order_for_update(order.id)
    [attempt] = [one for one in attempts if one.id == order.attempt]
    asked = await unit.payments.attempts.list_transactions([attempt.id])
    amount = coverable_amount(attempt, asked, order.totals.to_pay.amount)
    return Money(amount, order.currency)


async def _differences(
    unit: Unit, order: Order, edit: OrderEdit, wishes: Sequence[LineEdit]
) -> Edited:
    prices = {wish.line.line: wish.edit.unit_price for wish in wishes if wish.edit.unit_price}
    more = {wish.line.line: wish.more for wish in wishes if wish.more > 0}
    contact = edit.contact.normalise(await _country(unit, order)) if edit.contact else None
    return Edited(more, prices, contact, edit.address)


async def _country(unit: Unit, order: Order) -> str:
    """Where a number without a country code is from."""
    if order.address:
        return order.address.country
    return (await unit.stores.stores.get(order.groups[0].store)).country


async def _promise_points(unit: Unit, before: Order, after: Order) -> None:
    if after.customer is None:
        return
    change = edits.points_delta(before, after)
    source = f"{after.id}/{after.version}"
    if more := {line: points for line, points in change.items() if points > 0}:
        await unit.loyalty.points.add_pending_lines(after.customer, after.id, more, source)
    if fewer := {line: -points for line, points in change.items() if points < 0}:
        await unit.loyalty.points.reverse(after.id, fewer, source)


def _facts(before: Order, after: Order, wishes: Sequence[LineEdit]) -> TimelineFacts:
    was = {line.line: line.unit_price for line in before.lines}
    changed = {
        "contact": before.contact != after.contact,
        "address": before.address != after.address,
        "price": any(was[line.line] != line.unit_price for line in after.lines),
    }
    return TimelineFacts(
        quantities={
            wish.line.line: QuantityChange(wish.wanted, wish.wanted + wish.more)
            for wish in wishes
            if wish.more
        },
        changed=[what for what, differs in changed.items() if differs],
    )

"""What happened to an order, step by step, and who did it; nothing that tells who a person is."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.fulfilment.fulfilments import Group, units_ended
from domain.fulfilment.shipments import Parcel, Shipment
from domain.kernel.ids import OrderId, Sku
from domain.kernel.money import Money
from domain.orders.orders import Order
from domain.payments.attempts import Attempt, AttemptState

CODE: Final = re.compile(r"[a-z_]{1,40}")
"""A reason that is one of a list; what somebody wrote could name a person."""
HOUSE: Final = "hylla"
"""Who acts when the clock does."""


class What(StrEnum):
    PLACED = "placed"
    EDITED = "edited"
    ACCEPTED = "accepted"
    PICKED = "picked"
    SHORT = "short"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    READY = "ready"
    COLLECTED = "collected"
    EXPIRED = "expired"
    PUT_BACK = "put_back"
    SENT = "sent"
    DELIVERED = "delivered"
    RETURN_ANNOUNCED = "return_announced"
    RETURN_CANCELLED = "return_cancelled"
    RETURNED = "returned"
    RETURN_DECIDED = "return_decided"
    PAYMENT_RETRIED = "payment_retried"
    PAYMENT_AUTHORISED = "payment_authorised"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_CAPTURED = "payment_captured"
    PAYMENT_VOIDED = "payment_voided"
    PAYMENT_REFUNDED = "payment_refunded"
    REFUND_FAILED = "refund_failed"


class By(StrEnum):
    """Which side did it."""

    BUYER = "buyer"
    STORE = "store"
    OFFICE = "office"
    CLOCK = "clock"
    PROVIDER = "provider"


class Quantities(Struct, frozen=True):
    """Units of a line that its buyer was to get, and is to get now."""

    before: int
    after: int


class Facts(Struct, frozen=True, omit_defaults=True):
    """`units` of each SKU that the step was about, and those of them that were not found.

    `quantities` are what an edit made of each line, `changed` what else it changed. `amount` is the
    money of a payment's step, or what a return pays back; `back` is the return.
    """

    units: dict[Sku, int] = {}
    missing: dict[Sku, int] = {}
    reason: str = ""
    carrier: str = ""
    tracking_number: str = ""
    quantities: dict[str, Quantities] = {}
    changed: list[str] = []
    amount: Money | None = None
    back: str = ""


NOTHING: Final = Facts()


class Entry(Struct, frozen=True):
    """One step of an order, or of one of its groups; `actor` is the key or the person."""

    order: OrderId
    at: datetime
    what: What
    by: By
    actor: str
    group: str = ""
    store: str = ""
    facts: Facts = NOTHING
    id: int = 0


ENDS: Final[Mapping[str, What]] = {
    what.value: what for what in (What.SHORT, What.DECLINED, What.CANCELLED, What.EXPIRED)
}
PAYMENT_ENDS: Final = {
    AttemptState.FAILED: What.PAYMENT_FAILED,
    AttemptState.VOIDED: What.PAYMENT_VOIDED,
}
MADE: Final[Mapping[str, What]] = {what.value: what for what in (What.ACCEPTED, What.READY)}


def side_of(caller: Caller) -> By:
    if caller.role is Role.OFFICE:
        return By.CLOCK if caller.id == HOUSE else By.OFFICE
    return By.STORE if caller.is_staff else By.BUYER


def placed(order: Order) -> Entry:
    """Only a buyer places an order; one that is paid by card, once the money is there."""
    return Entry(order.id, order.placed_at, What.PLACED, By.BUYER, order.actor)


def edited(order: Order, caller: Caller, facts: Facts) -> Entry:
    """`order` as it is after the edit."""
    return Entry(order.id, order.changed_at, What.EDITED, side_of(caller), caller.id, facts=facts)


def expired(order: Order) -> Entry:
    """Nobody paid in time."""
    return Entry(order.id, order.changed_at, What.EXPIRED, By.CLOCK, HOUSE)


def payment_retried(order: Order, caller: Caller) -> Entry:
    """The order waits for another attempt."""
    by = side_of(caller)
    return Entry(order.id, order.changed_at, What.PAYMENT_RETRIED, by, caller.id)


def payment_steps(before: Attempt, after: Attempt) -> list[Entry]:
    """What was learnt of an attempt; nothing when it was known already."""
    told = [
        (what, Facts(amount=Money(more, after.amount.currency)))
        for what, more in (
            (What.PAYMENT_AUTHORISED, after.authorised - before.authorised),
            (What.PAYMENT_CAPTURED, after.captured - before.captured),
            (What.PAYMENT_REFUNDED, after.refunded - before.refunded),
            (What.REFUND_FAILED, after.refund_failed - before.refund_failed),
        )
        if more
    ]
    if after.state is not before.state and after.state in PAYMENT_ENDS:
        failed = after.state is AttemptState.FAILED
        facts = Facts(reason=_code(after.trouble) if failed else "")
        told.append((PAYMENT_ENDS[after.state], facts))
    return [
        Entry(after.order, after.changed_at, what, By.PROVIDER, after.provider, facts=facts)
        for what, facts in told
    ]


def step(group: Group, caller: Caller, what: What, facts: Facts) -> Entry:
    """`group` as it is after the step."""
    return Entry(
        group.order,
        group.changed_at,
        what,
        side_of(caller),
        caller.id,
        group=group.id,
        store=group.store,
        facts=facts,
    )


def cancelled(before: Group, after: Group, caller: Caller, reason: str) -> list[Entry]:
    """That units were given up for their buyer, whichever state that leaves the group in."""
    return [step(after, caller, What.CANCELLED, _ended(before, after, reason))]


def steps_between(before: Group, after: Group, caller: Caller) -> list[Entry]:
    """What a step of a group tells; nothing when only its bin or a failed try was written."""
    told = [
        *_prepared(before, after),
        *_given_up(before, after),
        *_given(before, after),
        *_made(before, after),
    ]
    return [step(after, caller, what, facts) for what, facts in told]


Told = tuple[What, Facts]


def given_up_by_the_shop(group: str, told: Iterable[Entry]) -> dict[Sku, int]:
    """Units of a group that its location declined or did not find."""
    units: Counter[Sku] = Counter()
    for entry in told:
        if entry.group == group and entry.what in {What.DECLINED, What.SHORT}:
            units.update(entry.facts.units)
    return dict(units)


def _prepared(before: Group, after: Group) -> list[Told]:
    picked = _more("picked", before, after)
    begun = after.state == "picking" != before.state
    if _more("given", before, after) or not (picked or begun):
        return []
    return [(What.PICKED, Facts(picked))]


def _given_up(before: Group, after: Group) -> list[Told]:
    facts = _ended(before, after, after.reason)
    if after.state != before.state and after.state in ENDS:
        return [(ENDS[after.state], facts)]
    if not facts.units:
        return []
    return [(What.SHORT if facts.missing else What.DECLINED, facts)]


def _ended(before: Group, after: Group, reason: str) -> Facts:
    _, ended = units_ended(before, after)
    return Facts(ended, _more("missing", before, after), _code(reason))


def _code(reason: str) -> str:
    return reason if CODE.fullmatch(reason) else ""


def _given(before: Group, after: Group) -> list[Told]:
    if not isinstance(after, Shipment):
        given, _ = units_ended(before, after)
        return [(What.COLLECTED, Facts(given))] if given else []
    assert isinstance(before, Shipment)
    known = {parcel.tracking_number: parcel for parcel in before.parcels}
    sent = [one for one in after.parcels if one.tracking_number not in known]
    arrived = [
        one
        for one in after.parcels
        if one.delivered_at
        and one.tracking_number in known
        and not known[one.tracking_number].delivered_at
    ]
    return [
        *((What.SENT, _of_parcel(parcel)) for parcel in sent),
        *((What.DELIVERED, _of_parcel(parcel)) for parcel in arrived),
    ]


def _of_parcel(parcel: Parcel) -> Facts:
    return Facts(parcel.units, carrier=parcel.carrier, tracking_number=parcel.tracking_number)


def _made(before: Group, after: Group) -> list[Told]:
    back = _more("put_back", before, after)
    if back or after.state == "put_back" != before.state:
        return [(What.PUT_BACK, Facts(back))]
    made = MADE.get(after.state) if after.state != before.state else None
    return [(made, NOTHING)] if made else []


def _more(field: str, before: Group, after: Group) -> dict[Sku, int]:
    was = {line.sku: getattr(line, field) for line in before.lines}
    more = {line.sku: getattr(line, field) - was[line.sku] for line in after.lines}
    return {sku: count for sku, count in more.items() if count > 0}

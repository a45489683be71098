"""The timeline of an order, step by step, with the kind of actor; it holds no personal data."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.fulfilment.fulfilments import Fulfilment, settled_units
from domain.fulfilment.shipments import Parcel, Shipment
from domain.kernel.ids import OrderId, Sku
from domain.kernel.money import Money
from domain.orders.orders import Order
from domain.payments.attempts import AttemptState, PaymentAttempt

REASON_CODE_PATTERN: Final = re.compile(r"[a-z_]{1,40}")
"""A reason from a fixed list; free text could name a person."""
SYSTEM_ACTOR: Final = "hylla"
"""The actor of a timed step."""


class TimelineEventKind(StrEnum):
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


class ActorKind(StrEnum):
    """Which side did it."""

    BUYER = "buyer"
    STORE = "store"
    OFFICE = "office"
    CLOCK = "clock"
    PROVIDER = "provider"


class QuantityChange(Struct, frozen=True):
    """Units of a line that its buyer was to get, and is to get now."""

    before: int
    after: int


class TimelineFacts(Struct, frozen=True, omit_defaults=True):
    """`units` of each SKU that the step was about, and those of them that were not found.

    `quantities` are each line's after an edit, `changed` names the other fields it changed.
    `amount` is the money of a payment's step, or the refund of a return; `back` is the return.
    """

    units: dict[Sku, int] = {}
    missing: dict[Sku, int] = {}
    reason: str = ""
    carrier: str = ""
    tracking_number: str = ""
    quantities: dict[str, QuantityChange] = {}
    changed: list[str] = []
    amount: Money | None = None
    back: str = ""


NO_FACTS: Final = TimelineFacts()


class TimelineEntry(Struct, frozen=True):
    """One step of an order, or of one of its groups; `actor` is the key or the person."""

    order: OrderId
    at: datetime
    what: TimelineEventKind
    by: ActorKind
    actor: str
    group: str = ""
    store: str = ""
    facts: TimelineFacts = NO_FACTS
    id: int = 0


FINAL_ENTRIES: Final[Mapping[str, TimelineEventKind]] = {
    what.value: what
    for what in (
        TimelineEventKind.SHORT,
        TimelineEventKind.DECLINED,
        TimelineEventKind.CANCELLED,
        TimelineEventKind.EXPIRED,
    )
}
EVENT_BY_PAYMENT_END: Final = {
    AttemptState.FAILED: TimelineEventKind.PAYMENT_FAILED,
    AttemptState.VOIDED: TimelineEventKind.PAYMENT_VOIDED,
}
EVENT_BY_STATE: Final[Mapping[str, TimelineEventKind]] = {
    what.value: what for what in (TimelineEventKind.ACCEPTED, TimelineEventKind.READY)
}


def actor_kind_of(caller: Caller) -> ActorKind:
    if caller.role is Role.OFFICE:
        return ActorKind.CLOCK if caller.id == SYSTEM_ACTOR else ActorKind.OFFICE
    return ActorKind.STORE if caller.is_staff else ActorKind.BUYER


def placed_entry(order: Order) -> TimelineEntry:
    """Only a buyer places an order; one that is paid by card, once the money is there."""
    return TimelineEntry(
        order.id, order.placed_at, TimelineEventKind.PLACED, ActorKind.BUYER, order.actor
    )


def edited_entry(order: Order, caller: Caller, facts: TimelineFacts) -> TimelineEntry:
    """`order` as it is after the edit."""
    return TimelineEntry(
        order.id,
        order.changed_at,
        TimelineEventKind.EDITED,
        actor_kind_of(caller),
        caller.id,
        facts=facts,
    )


def expired_entry(order: Order) -> TimelineEntry:
    """The order was not paid in time."""
    return TimelineEntry(
        order.id, order.changed_at, TimelineEventKind.EXPIRED, ActorKind.CLOCK, SYSTEM_ACTOR
    )


def payment_retried_entry(order: Order, caller: Caller) -> TimelineEntry:
    """The order waits for another attempt."""
    by = actor_kind_of(caller)
    return TimelineEntry(
        order.id, order.changed_at, TimelineEventKind.PAYMENT_RETRIED, by, caller.id
    )


def payment_entries(before: PaymentAttempt, after: PaymentAttempt) -> list[TimelineEntry]:
    """The step for news of an attempt; None when it was known already."""
    told = [
        (what, TimelineFacts(amount=Money(more, after.amount.currency)))
        for what, more in (
            (TimelineEventKind.PAYMENT_AUTHORISED, after.authorised - before.authorised),
            (TimelineEventKind.PAYMENT_CAPTURED, after.captured - before.captured),
            (TimelineEventKind.PAYMENT_REFUNDED, after.refunded - before.refunded),
            (TimelineEventKind.REFUND_FAILED, after.refund_failed - before.refund_failed),
        )
        if more
    ]
    if after.state is not before.state and after.state in EVENT_BY_PAYMENT_END:
        failed = after.state is AttemptState.FAILED
        facts = TimelineFacts(reason=_reason_code(after.last_error) if failed else "")
        told.append((EVENT_BY_PAYMENT_END[after.state], facts))
    return [
        TimelineEntry(
            after.order, after.changed_at, what, ActorKind.PROVIDER, after.provider, facts=facts
        )
        for what, facts in told
    ]


def fulfilment_entry(
    group: Fulfilment, caller: Caller, what: TimelineEventKind, facts: TimelineFacts
) -> TimelineEntry:
    """`group` as it is after the step."""
    return TimelineEntry(
        group.order,
        group.changed_at,
        what,
        actor_kind_of(caller),
        caller.id,
        group=group.id,
        store=group.store,
        facts=facts,
    )


def cancelled_entry(
    before: Fulfilment, after: Fulfilment, caller: Caller, reason: str
) -> list[TimelineEntry]:
    """That units were given up for their buyer, whichever state that leaves the group in."""
    return [
        fulfilment_entry(
            after, caller, TimelineEventKind.CANCELLED, _cancelled_facts(before, after, reason)
        )
    ]


def entries_between(before: Fulfilment, after: Fulfilment, caller: Caller) -> list[TimelineEntry]:
    """The step of a group; None when only its bin or a failed try was written."""
    told = [
        *_picking_events(before, after),
        *_loss_events(before, after),
        *_handover_events(before, after),
        *_state_events(before, after),
    ]
    return [fulfilment_entry(after, caller, what, facts) for what, facts in told]


EventFacts = tuple[TimelineEventKind, TimelineFacts]


def is_cancelled_by_retailer(group: str, told: Iterable[TimelineEntry]) -> dict[Sku, int]:
    """Units of a group that its location declined or did not find."""
    units: Counter[Sku] = Counter()
    for entry in told:
        if entry.group == group and entry.what in {
            TimelineEventKind.DECLINED,
            TimelineEventKind.SHORT,
        }:
            units.update(entry.facts.units)
    return dict(units)


def _picking_events(before: Fulfilment, after: Fulfilment) -> list[EventFacts]:
    picked = _increases("picked", before, after)
    begun = after.state == "picking" != before.state
    if _increases("given", before, after) or not (picked or begun):
        return []
    return [(TimelineEventKind.PICKED, TimelineFacts(picked))]


def _loss_events(before: Fulfilment, after: Fulfilment) -> list[EventFacts]:
    facts = _cancelled_facts(before, after, after.reason)
    if after.state != before.state and after.state in FINAL_ENTRIES:
        return [(FINAL_ENTRIES[after.state], facts)]
    if not facts.units:
        return []
    return [(TimelineEventKind.SHORT if facts.missing else TimelineEventKind.DECLINED, facts)]


def _cancelled_facts(before: Fulfilment, after: Fulfilment, reason: str) -> TimelineFacts:
    _, ended = settled_units(before, after)
    return TimelineFacts(ended, _increases("missing", before, after), _reason_code(reason))


def _reason_code(reason: str) -> str:
    return reason if REASON_CODE_PATTERN.fullmatch(reason) else ""


def _handover_events(before: Fulfilment, after: Fulfilment) -> list[EventFacts]:
    if not isinstance(after, Shipment):
        given, _ = settled_units(before, after)
        return [(TimelineEventKind.COLLECTED, TimelineFacts(given))] if given else []
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
        *((TimelineEventKind.SENT, _parcel_facts(parcel)) for parcel in sent),
        *((TimelineEventKind.DELIVERED, _parcel_facts(parcel)) for parcel in arrived),
    ]


def _parcel_facts(parcel: Parcel) -> TimelineFacts:
    return TimelineFacts(
        parcel.units, carrier=parcel.carrier, tracking_number=parcel.tracking_number
    )


def _state_events(before: Fulfilment, after: Fulfilment) -> list[EventFacts]:
    back = _increases("put_back", before, after)
    if back or after.state == "put_back" != before.state:
        return [(TimelineEventKind.PUT_BACK, TimelineFacts(back))]
    made = EVENT_BY_STATE.get(after.state) if after.state != before.state else None
    return [(made, NO_FACTS)] if made else []


def _increases(field: str, before: Fulfilment, after: Fulfilment) -> dict[Sku, int]:
    was = {line.sku: getattr(line, field) for line in before.lines}
    more = {line.sku: getattr(line, field) - was[line.sku] for line in after.lines}
    return {sku: count for sku, count in more.items() if count > 0}

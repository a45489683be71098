"""The timeline of an order, step by step."""

from datetime import datetime
from typing import Self

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from adapters.http.web.authentication import ANYONE, callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller
from domain.kernel.ids import OrderId, ReturnId, Sku, StoreId
from domain.kernel.money import Money
from domain.orders.timeline import ActorKind, QuantityChange, TimelineEntry, TimelineEventKind
from service.orders.queries import list_timeline
from service.shared.unit_of_work import Units


class TimelineUnits(Struct, frozen=True):
    """Units of one SKU that a step was about."""

    sku: Sku
    quantity: int


class TimelineLineEdit(Struct, frozen=True):
    """The change that an edit made to a line."""

    line: str
    before: int
    after: int

    @classmethod
    def of(cls, line: str, edited: QuantityChange) -> Self:
        return cls(line, edited.before, edited.after)


class TimelineEntryView(Struct, frozen=True):
    """One step. `group` is the pickup or the shipment; `actor`, for staff, the key or the person.

    `lines` are the units it was about, `missing` those of them that were not found; `edited` is the
    edit's change of lines, `changed` its other changes. `amount` is the money that a payment's
    step was about, or that a return pays back; `back` is the return.
    """

    at: datetime
    what: TimelineEventKind
    by: ActorKind
    actor: str | UnsetType = UNSET
    group: str | UnsetType = UNSET
    store: StoreId | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    lines: list[TimelineUnits] | UnsetType = UNSET
    missing: list[TimelineUnits] | UnsetType = UNSET
    carrier: str | UnsetType = UNSET
    tracking_number: str | UnsetType = UNSET
    edited: list[TimelineLineEdit] | UnsetType = UNSET
    changed: list[str] | UnsetType = UNSET
    amount: Money | UnsetType = UNSET
    back: ReturnId | UnsetType = UNSET

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        facts = entry.facts
        edited = [TimelineLineEdit.of(line, units) for line, units in facts.quantities.items()]
        return cls(
            at=entry.at,
            what=entry.what,
            by=entry.by,
            actor=entry.actor or UNSET,
            group=entry.group or UNSET,
            store=entry.store or UNSET,
            reason=facts.reason or UNSET,
            lines=_to_units(facts.units) or UNSET,
            missing=_to_units(facts.missing) or UNSET,
            carrier=facts.carrier or UNSET,
            tracking_number=facts.tracking_number or UNSET,
            edited=edited or UNSET,
            changed=facts.changed or UNSET,
            amount=facts.amount or UNSET,
            back=ReturnId(facts.back) if facts.back else UNSET,
        )


def _to_units(units: dict[Sku, int]) -> list[TimelineUnits]:
    return [TimelineUnits(sku, units[sku]) for sku in sorted(units)]


class Timeline(Controller):
    path = "/v1/orders/{order:str}/timeline"
    tags = ("orders",)

    @get(operation_id="list_order_steps", **callers(*ANYONE, scope="orders"))
    async def list_order_timeline(
        self,
        order: FromPath[OrderId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[TimelineEntryView]:
        """List the steps of an order, in the order in which they happened.

        For every caller who may see the order. Buyers see which side did it; staff also who.
        """
        after = decode_cursor(cursor, int) or 0
        entries = await list_timeline(
            units, caller=caller, order=order, after=after, limit=limit + 1
        )
        page = to_page(entries, limit, lambda entry: entry.id)
        return Page([TimelineEntryView.of(entry) for entry in page.items], page.next_cursor)

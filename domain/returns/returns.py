"""Returns: goods that come back, to any store at once, or by post after an announcement.

    announced → received
              → cancelled

An announcement promises nothing: only the goods received count, and never more than the buyer has.
It is over once nothing of it is left with the buyer, since announced goods may also be brought to a
store. Goods that came back are paid back unit by unit, so that all returns of a line add up to the
amount paid for it, in any order. Whether units that did not come (`missing`) are paid back, the
office decides.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs

from domain.inventory.conditions import Condition
from domain.inventory.stock_levels import MovementReason, PostingSource, StockDelta, StockPosting
from domain.kernel.errors import Conflict, Invalid
from domain.kernel.ids import CustomerId, OrderId, ReceiptId, ReturnId, Sku, StoreId
from domain.kernel.money import Money
from domain.orders.order_lines import OrderLine
from domain.orders.orders import Order
from domain.orders.timeline import ActorKind, TimelineEntry, TimelineEventKind, TimelineFacts
from domain.payments.refunds import Refund
from domain.returns.dispositions import CONDITION_BY_DISPOSITION, Disposition, DispositionProposal


class ReturnChannel(StrEnum):
    STORE = "store"
    POST = "post"


class ReturnState(StrEnum):
    ANNOUNCED = "announced"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class RequestedLine(Struct, frozen=True):
    """Units that came back, or will: by the name of their line in the order, SKU or barcode."""

    quantity: int
    line: str | None = None
    sku: Sku | None = None
    gtin: str | None = None
    disposition: Disposition | None = None
    reason: str = ""

    def matches(self, line: OrderLine) -> bool:
        return line.sku == self.sku if self.line is None else line.line == self.line


class ReturnLine(Struct, frozen=True, kw_only=True):
    """Units of one line that share a disposition. `line` names it in its order, where there is one.

    `refund` is paid back, `withheld` waits for the office. `parts` are the units put into stock for
    each unit; empty where no goods came, and where the till's receipt has moved them.
    """

    sku: Sku
    quantity: int
    refund: Money
    withheld: Money
    line: str = ""
    name: str = ""
    disposition: Disposition | None = None
    reason: str = ""
    parts: dict[Sku, int] = {}


class ReturnTooLarge(Invalid):
    code = "more_than_given"

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("Its buyer has not so much of it to give back.", errors=errors)


class ReturnClosed(Conflict):
    code = "return_over"

    def __init__(self, back: "Return") -> None:
        super().__init__(f"This return is {back.state.value}.", facts={"state": back.state.value})


class NothingToDecide(Conflict):
    code = "nothing_withheld"

    def __init__(self) -> None:
        super().__init__("No money of this return waits to be decided on.")


class Return(Struct, frozen=True, kw_only=True):
    """`store` is where the goods came to, or are expected; `receipt` is the till's, if it has one.

    A return without `order` is one without a receipt. `by` took the goods, or announced them.
    """

    id: ReturnId
    store: StoreId
    channel: ReturnChannel
    state: ReturnState
    currency: str
    lines: list[ReturnLine]
    by: str
    created_at: datetime
    changed_at: datetime
    order: OrderId | None = None
    customer: CustomerId | None = None
    receipt: ReceiptId | None = None
    refunds: list[Refund] = []
    proposals: list[DispositionProposal] = []
    note: str = ""
    received_at: datetime | None = None
    decided_by: str = ""
    version: int = 1

    @property
    def refund(self) -> Money:
        return Money(sum(line.refund.amount for line in self.lines), self.currency)

    @property
    def withheld(self) -> Money:
        return Money(sum(line.withheld.amount for line in self.lines), self.currency)

    @property
    def units(self) -> dict[str, int]:
        """Units of each line of the order."""
        counted = Counter[str]()
        for line in self.lines:
            counted[line.line] += line.quantity
        return dict(counted)

    def to_postings(self, now: datetime) -> list[StockPosting]:
        """The goods that enter its store's stock, part by part of kits."""
        on_hand = Counter[Sku]()
        aside: dict[Sku, Counter[Condition]] = {}
        for line in self.lines:
            for part, each in line.parts.items():
                on_hand[part] += each * line.quantity
                if line.disposition in CONDITION_BY_DISPOSITION:
                    blocked = aside.setdefault(part, Counter())
                    blocked[CONDITION_BY_DISPOSITION[line.disposition]] += each * line.quantity
        source = PostingSource(MovementReason.RETURN, self.id, self.by, now)
        return [
            StockPosting(
                StockDelta(self.store, sku, units, aside[sku].total() if sku in aside else 0),
                source,
                aside.get(sku, {}),
            )
            for sku, units in sorted(on_hand.items())
        ]

    def ensure_announced(self) -> None:
        """Raises ReturnClosed."""
        if self.state is not ReturnState.ANNOUNCED:
            raise ReturnClosed(self)

    def receive(self, by: str, now: datetime, **came: object) -> "Return":
        """So much came back, and is paid back like this."""
        return self.with_changes(now, state=ReturnState.RECEIVED, by=by, received_at=now, **came)

    def cancel(self, now: datetime) -> "Return":
        """Nothing will come; a repeat changes nothing. Raises ReturnClosed."""
        if self.state is ReturnState.CANCELLED:
            return self
        self.ensure_announced()
        return self.with_changes(now, state=ReturnState.CANCELLED)

    def decide_withheld(
        self, *, pays: bool, refunds: list[Refund], by: str, now: datetime
    ) -> "Return":
        """Settles the withheld amount: paid back by `refunds`, or not. Raises NothingToDecide."""
        if not self.withheld.amount:
            raise NothingToDecide
        lines = [
            structs.replace(
                line,
                refund=line.withheld if pays and line.withheld.amount else line.refund,
                withheld=Money(0, self.currency),
            )
            for line in self.lines
        ]
        return self.with_changes(now, lines=lines, refunds=[*self.refunds, *refunds], decided_by=by)

    def with_changes(self, now: datetime, **changes: object) -> "Return":
        return structs.replace(self, changed_at=now, version=self.version + 1, **changes)


def to_return_lines(
    order: Order,
    asked: Sequence[RequestedLine],
    parts: Mapping[str, dict[Sku, int]] | None = None,
    *,
    pays_missing: bool = False,
) -> list[ReturnLine]:
    """Matches the returned units to the order's lines, with their amounts.

    Units of a SKU are taken from its lines in turn. `parts` are the units that enter the stock for
    a unit of each line.

    Raises:
        ReturnTooLarge: with the units that may come back of each named line.
    """
    left = {line.line: line.returnable for line in order.lines}
    lines, wrong = [], []
    for position, one in enumerate(asked):
        meant = [line for line in order.lines if one.matches(line)]
        wanted = one.quantity
        for line in meant:
            units = min(wanted, left[line.line])
            if units:
                first = line.returnable - left[line.line]
                lines.append(
                    _to_return_line(one, line, first, units, parts or {}, pays=pays_missing)
                )
                left[line.line] -= units
                wanted -= units
        if wanted:
            wrong.append(_excess_error(position, one, meant, wanted))
    if wrong:
        raise ReturnTooLarge(wrong)
    return lines


def clip_to_returnable(order: Order, asked: Iterable[RequestedLine]) -> list[RequestedLine]:
    """Takes of each at most the units the order's buyer has; for returns that cannot be refused."""
    left = {line.line: line.returnable for line in order.lines}
    clipped = []
    for one in asked:
        wanted = one.quantity
        for line in order.lines:
            if one.matches(line):
                units = min(wanted, left[line.line])
                left[line.line] -= units
                wanted -= units
        clipped.append(structs.replace(one, quantity=one.quantity - wanted))
    return clipped


def find_exhausted_returns(announced: Iterable[Return], order: Order) -> list[Return]:
    """Those that are still expected, though the order's buyer has nothing of them left."""
    left = {line.line for line in order.lines if line.returnable}
    return [
        back
        for back in announced
        if back.state is ReturnState.ANNOUNCED and not any(line.line in left for line in back.lines)
    ]


def _to_return_line(
    one: RequestedLine,
    line: OrderLine,
    first: int,
    units: int,
    parts: Mapping[str, dict[Sku, int]],
    *,
    pays: bool,
) -> ReturnLine:
    paid, nothing = line.refundable_amount(first, units), Money(0, line.to_pay.currency)
    missing = one.disposition is Disposition.MISSING
    waits = missing and not pays
    return ReturnLine(
        line=line.line,
        sku=line.sku,
        name=line.name,
        quantity=units,
        refund=nothing if waits or one.disposition is None else paid,
        withheld=paid if waits else nothing,
        disposition=one.disposition,
        reason=one.reason,
        parts={} if missing else parts.get(line.line, {}),
    )


def _excess_error(
    position: int, one: RequestedLine, meant: Sequence[OrderLine], too_many: int
) -> dict[str, Any]:
    """`allowed` are the units that may come back at all, whatever was named before."""
    name = one.line if one.line is not None else one.sku
    allowed = sum(line.returnable for line in meant)
    detail = f"{allowed} of {name} may come back." if meant else f"{name} was not ordered."
    return {
        "pointer": f"/lines/{position}/{'quantity' if meant else 'sku'}",
        "code": "more_than_given" if meant else "not_ordered",
        "detail": detail,
        "line": name,
        "allowed": allowed,
        "too_many": too_many,
    }


def return_entry(
    back: Return, what: TimelineEventKind, by: ActorKind, actor: str, paid: Money | None = None
) -> TimelineEntry:
    """`back`, a return of an order, after the step; `paid` is the amount the step pays back."""
    assert back.order, "nothing is told of goods without an order"
    units = Counter[Sku]()
    for line in back.lines:
        units[line.sku] += line.quantity
    facts = TimelineFacts(dict(units), amount=paid, back=back.id)
    return TimelineEntry(
        back.order, back.changed_at, what, by, actor, store=back.store, facts=facts
    )

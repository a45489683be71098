"""Lines of one order that one location prepares: a pickup, or a shipment.

    placed → accepted → picking → …

A location may decline or find too little, a buyer may cancel. Goods that were already picked stay
promised until they are put back. The successful end of a group depends on its kind.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from msgspec import Struct, structs

from domain.inventory.stock_levels import StockDelta, StockKey, StockLevel, sum_by_key
from domain.kernel.errors import Conflict, Invalid
from domain.kernel.ids import CustomerId, OrderId, Sku, StoreId

NOT_FOUND_REASON: Final = "not_found"
"""The reason why a location declines goods that it did not find."""

Transitions = Mapping[Any, frozenset[Any]]


class InvalidState(Conflict):
    code = "wrong_state"

    def __init__(self, group: "Fulfilment", wanted: StrEnum) -> None:
        allowed = sorted(move.value for move in group.MOVES[group.state])
        super().__init__(
            f"A {group.KIND} that is {group.state.value} cannot become {wanted.value}.",
            facts={"state": group.state.value, "allowed": allowed},
        )


class RepeatedLine(Invalid):
    code = "repeated_line"

    def __init__(self, sku: Sku) -> None:
        super().__init__(f"{sku} is on more than one line.", facts={"sku": sku})


class UnexpectedItem(Invalid):
    """A line that this group does not have, or more of it than was ordered."""

    code = "unexpected_line"


class FulfilmentLine(Struct, frozen=True):
    """Units of one SKU that was sold; `parts` are the units to pick for each one.

    `given` units have left with their buyer or a carrier. `cancelled` counts units the buyer no
    longer gets, `missing` those that the location did not find (they count as cancelled too),
    `put_back` picked ones that are back in stock.
    """

    sku: Sku
    name: str
    quantity: int
    parts: dict[Sku, int]
    gtin: str | None = None
    picked: int = 0
    missing: int = 0
    cancelled: int = 0
    given: int = 0
    put_back: int = 0

    @property
    def remaining(self) -> int:
        """Units the buyer may still get."""
        return self.quantity - self.given - self.cancelled

    @property
    def staged(self) -> int:
        """Units that are picked and still here."""
        return self.picked - self.given - self.put_back

    @property
    def units_to_put_back(self) -> int:
        """Units that are picked although no buyer will get them."""
        return max(self.staged - self.remaining, 0)

    @property
    def allocated(self) -> int:
        """Units that must not be sold to another buyer."""
        return max(self.remaining, self.staged)

    @property
    def is_kit(self) -> bool:
        return self.parts != {self.sku: 1}


class Allocation(Struct, frozen=True):
    """An order's claim on one SKU at one store: `quantity` = open + `consumed` + `released`."""

    group: str
    line: Sku
    sku: Sku
    store: StoreId
    quantity: int
    consumed: int = 0
    released: int = 0

    @property
    def open(self) -> int:
        return self.quantity - self.consumed - self.released

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)


class PickedQuantities(Struct, frozen=True):
    """A picker's report on a line: units picked so far, and whether the rest is missing."""

    quantity: int
    short: bool = False


class Fulfilment(Struct, frozen=True, kw_only=True):
    """The common part of a pickup and a shipment. Each SKU is on one line of a group."""

    KIND: ClassVar[str]
    MOVES: ClassVar[Transitions]

    id: str
    order: OrderId
    store: StoreId
    state: Any
    lines: list[FulfilmentLine]
    placed_at: datetime
    changed_at: datetime
    customer: CustomerId | None = None
    reason: str = ""
    version: int = 1

    def allocations(self) -> list[Allocation]:
        """The claims of this group on its location's stock, part by part."""
        return [
            Allocation(
                group=self.id,
                line=line.sku,
                sku=sku,
                store=self.store,
                quantity=line.quantity * each,
                consumed=line.given * each,
                released=(line.quantity - line.given - line.allocated) * each,
            )
            for line in self.lines
            for sku, each in sorted(line.parts.items())
        ]

    def accept(self, now: datetime) -> Self:
        """The location will prepare it; a repeat changes nothing."""
        return self.transition_to("accepted", now)

    def decline(self, reason: str, skus: Collection[Sku] | None, now: datetime) -> Self:
        """Declines the group, or only the lines of `skus`; a repeat changes nothing.

        Goods that were not found are taken off the stock level; with any other reason they are free
        again.
        """
        self.ensure_lines(skus or ())
        lines = [
            _decline_line(line, reason) if skus is None or line.sku in skus else line
            for line in self.lines
        ]
        if not any(line.remaining for line in lines):
            return self.transition_to("declined", now, lines=lines, reason=reason)
        if "declined" not in self.MOVES[self.state]:
            raise InvalidState(self, type(self.state)("declined"))
        return self if lines == self.lines else self.with_changes(now, lines=lines, reason=reason)

    def pick(self, found: Mapping[Sku, PickedQuantities], now: datetime) -> Self:
        """So many units of each line were fetched so far; a repeat changes nothing.

        Raises:
            Unexpected: a line that is not here, more than was ordered, or fewer than before.
        """
        self.ensure_lines(found)
        start = self.accept(now) if self.state == "placed" else self
        lines = [
            _pick_line(line, found[line.sku]) if line.sku in found else line for line in self.lines
        ]
        if not any(line.remaining for line in lines):
            return start.mark_short(lines, now)
        if lines == start.lines and start.state == "picking":
            return start
        return start.transition_to("picking", now, lines=lines)

    def mark_short(self, lines: list[FulfilmentLine], now: datetime) -> Self:
        """Nothing is left that the buyer may get."""
        return self.transition_to("short", now, lines=lines, reason=NOT_FOUND_REASON)

    def put_back(self, now: datetime) -> Self:
        """Puts picked goods of ended lines back into stock, where they may be sold.

        An ended group is put back whole; of an active group, the lines that were given up. A repeat
        changes nothing.
        """
        lines = [
            structs.replace(line, put_back=line.put_back + line.units_to_put_back)
            for line in self.lines
        ]
        if "put_back" in self.MOVES[self.state] or lines == self.lines:
            return self.transition_to("put_back", now, lines=lines)
        return self.with_changes(now, lines=lines)

    def cancelled_lines(self) -> list[FulfilmentLine]:
        """The lines when nothing more of them is wanted."""
        return [cancel_line(line) for line in self.lines]

    def lines_without(self, units: Mapping[Sku, int]) -> list[FulfilmentLine]:
        """The lines when so many units of each are no longer wanted.

        Raises:
            Unexpected: a line that is not here, or more of it than its buyer may still get.
        """
        self.ensure_lines(units)
        left = {line.sku: line.remaining for line in self.lines}
        wrong = sorted(sku for sku in units if units[sku] > left[sku])
        if wrong:
            raise UnexpectedItem(
                f"More of {', '.join(wrong)} than is still to come.", facts={"remaining": left}
            )
        return [
            structs.replace(line, cancelled=line.cancelled + units.get(line.sku, 0))
            for line in self.lines
        ]

    def ensure_lines(self, skus: Collection[Sku]) -> None:
        """Raises Unexpected."""
        strangers = sorted(set(skus) - {line.sku for line in self.lines})
        if strangers:
            raise UnexpectedItem(
                f"This {self.KIND} has no line for {', '.join(strangers)}.",
                facts={"expected": sorted(line.sku for line in self.lines)},
            )

    def transition_to(self, state: str, now: datetime, **changes: object) -> Self:
        """The step itself; a repeat of the last one changes nothing. Raises InvalidState."""
        wanted = type(self.state)(state)
        if wanted is self.state and not changes:
            return self
        if wanted not in self.MOVES[self.state]:
            if wanted is self.state:
                return self
            raise InvalidState(self, wanted)
        return self.with_changes(now, state=wanted, **changes)

    def with_changes(self, now: datetime, **changes: object) -> Self:
        return structs.replace(self, changed_at=now, version=self.version + 1, **changes)


def cancel_line(line: FulfilmentLine) -> FulfilmentLine:
    return structs.replace(line, cancelled=line.quantity - line.given)


def _pick_line(line: FulfilmentLine, found: PickedQuantities) -> FulfilmentLine:
    wanted = line.quantity - line.cancelled
    if not line.picked <= found.quantity <= wanted:
        raise UnexpectedItem(
            f"{line.sku}: {found.quantity} picked, where {line.picked} to {wanted} can be.",
            facts={"sku": line.sku, "picked": line.picked, "ordered": wanted},
        )
    missing = wanted - found.quantity if found.short else 0
    return structs.replace(
        line,
        picked=found.quantity,
        missing=line.missing + missing,
        cancelled=line.cancelled + missing,
    )


def _decline_line(line: FulfilmentLine, reason: str) -> FulfilmentLine:
    looked_for = max(0, line.quantity - line.cancelled - line.picked)
    missing = looked_for if reason == NOT_FOUND_REASON else 0
    return structs.replace(cancel_line(line), missing=line.missing + missing)


def missing_units(before: Fulfilment, after: Fulfilment) -> set[Sku]:
    """Lists the SKUs of which the step from `before` to `after` found not a single unit."""
    was = {line.sku: line.missing for line in before.lines}
    return {
        line.sku
        for line in after.lines
        if line.missing > was[line.sku] and not line.picked and not line.is_kit
    }


def settle_missing(
    changes: Iterable[StockDelta], gone: Collection[Sku], levels: Mapping[StockKey, StockLevel]
) -> list[StockDelta]:
    """Adds to the changes the removal of free units of `gone`: the picker saw none.

    Units promised to other orders stay promised until a count.
    """
    return [
        structs.replace(
            change, on_hand=change.on_hand - max(0, levels[change.key].apply(change).available)
        )
        if change.sku in gone
        else change
        for change in sum_by_key(changes)
    ]


def deltas_between(before: Fulfilment | None, after: Fulfilment) -> list[StockDelta]:
    """Computes the change of the stock levels in the step from `before` to `after`.

    Goods that are handed over leave the stock level; goods that a picker did not find are taken off
    it, so that they are not sold again. Parts of a kit are only released, since the missing part is
    unknown.
    """
    old = {(claim.line, claim.sku): claim for claim in before.allocations()} if before else {}
    was = {line.sku: line for line in before.lines} if before else {}
    changes = []
    for claim in after.allocations():
        line = next(line for line in after.lines if line.sku == claim.line)
        each = line.parts[claim.sku]
        earlier = old.get((claim.line, claim.sku))
        earlier_line = was.get(claim.line)
        missing = 0 if line.is_kit else line.missing - (earlier_line.missing if earlier_line else 0)
        changes.append(
            StockDelta(
                after.store,
                claim.sku,
                on_hand=-(claim.consumed - (earlier.consumed if earlier else 0)) - missing * each,
                allocated=claim.open - (earlier.open if earlier else 0),
                staged=(line.staged - (earlier_line.staged if earlier_line else 0)) * each,
            )
        )
    return changes


def settled_units(before: Fulfilment, after: Fulfilment) -> tuple[dict[Sku, int], dict[Sku, int]]:
    """Units of each line that were given, and that were cancelled, by the step."""
    was = {line.sku: line for line in before.lines}
    given = {line.sku: line.given - was[line.sku].given for line in after.lines}
    ended = {line.sku: line.cancelled - was[line.sku].cancelled for line in after.lines}
    return _non_zero(given), _non_zero(ended)


def _non_zero(units: Mapping[Sku, int]) -> dict[Sku, int]:
    return {sku: count for sku, count in units.items() if count}

"""Lines of one order that one store prepares and hands over.

    placed → accepted → picking → ready → collected

A store may decline or find too little, a customer may cancel, and what nobody collects expires.
Goods that were already picked stay promised until somebody has put them back.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from domain.ids import CustomerId, OrderId, PickupId, Sku, StoreId
from domain.refusals import Conflict, Forbidden, Invalid
from domain.stock import Change, Place, Shelf, summed

NOT_FOUND: Final = "not_found"
"""Why a store declines what it looked for in vain."""
MOST_TRIES: Final = 5
"""Wrong codes after which a manager has to decide."""


class PickupState(StrEnum):
    PLACED = "placed"
    ACCEPTED = "accepted"
    PICKING = "picking"
    READY = "ready"
    COLLECTED = "collected"
    DECLINED = "declined"
    SHORT = "short"
    EXPIRED = "expired"
    PUT_BACK = "put_back"
    CANCELLED = "cancelled"


_S = PickupState
MOVES: Final[Mapping[PickupState, frozenset[PickupState]]] = {
    _S.PLACED: frozenset({_S.ACCEPTED, _S.DECLINED, _S.CANCELLED}),
    _S.ACCEPTED: frozenset({_S.PICKING, _S.DECLINED, _S.CANCELLED, _S.SHORT}),
    _S.PICKING: frozenset({_S.PICKING, _S.READY, _S.DECLINED, _S.CANCELLED, _S.SHORT}),
    _S.READY: frozenset({_S.READY, _S.COLLECTED, _S.EXPIRED, _S.CANCELLED}),
    _S.COLLECTED: frozenset(),
    _S.DECLINED: frozenset({_S.PUT_BACK}),
    _S.SHORT: frozenset({_S.PUT_BACK}),
    _S.EXPIRED: frozenset({_S.PUT_BACK}),
    _S.CANCELLED: frozenset({_S.PUT_BACK}),
    _S.PUT_BACK: frozenset(),
}


class WrongState(Conflict):
    code = "wrong_state"

    def __init__(self, state: PickupState, wanted: PickupState) -> None:
        allowed = sorted(move.value for move in MOVES[state])
        super().__init__(
            f"A pickup that is {state.value} cannot become {wanted.value}.",
            facts={"state": state.value, "allowed": allowed},
        )


class AlreadyCollected(Conflict):
    code = "already_collected"

    def __init__(self, pickup: "Pickup") -> None:
        super().__init__(
            "This pickup was collected before.",
            facts={"store": pickup.store, "collected_at": pickup.collected_at},
        )


class OtherStore(Conflict):
    code = "other_store"

    def __init__(self, store: StoreId) -> None:
        super().__init__(f"This pickup waits at {store}.", facts={"store": store})


class WrongCode(Forbidden):
    code = "wrong_code"

    def __init__(self, tries_left: int) -> None:
        super().__init__("This is not the code.", facts={"tries_left": tries_left})


class CodeLocked(Forbidden):
    code = "code_locked"

    def __init__(self) -> None:
        super().__init__("Too many wrong codes; a manager has to look at the customer's proof.")


class NotAllPicked(Conflict):
    code = "not_all_picked"

    def __init__(self, skus: list[Sku]) -> None:
        super().__init__(
            "Every line must be picked or declared short first.", facts={"missing": skus}
        )


class Repeated(Invalid):
    code = "repeated_line"

    def __init__(self, sku: Sku) -> None:
        super().__init__(f"{sku} stands on more than one line.", facts={"sku": sku})


class Unexpected(Invalid):
    """A line that this pickup does not have, or more of it than was ordered."""

    code = "unexpected_line"


class PickupLine(Struct, frozen=True):
    """Units of one SKU that was sold; `parts` is what has to be fetched for each unit.

    `cancelled` counts units the buyer no longer gets, `missing` those that the store did not find
    (they count as cancelled too), `put_back` picked ones that lie on their shelf again.
    """

    sku: Sku
    name: str
    quantity: int
    parts: dict[Sku, int]
    gtin: str | None = None
    picked: int = 0
    missing: int = 0
    cancelled: int = 0
    collected: int = 0
    put_back: int = 0

    @property
    def remaining(self) -> int:
        """Units the buyer may still get."""
        return self.quantity - self.collected - self.cancelled

    @property
    def staged(self) -> int:
        """Units that lie picked in the store."""
        return self.picked - self.collected - self.put_back

    @property
    def in_vain(self) -> int:
        """Units that lie picked though nobody will get them."""
        return max(self.staged - self.remaining, 0)

    @property
    def promised(self) -> int:
        """Units that must not be sold to somebody else."""
        return max(self.remaining, self.staged)

    @property
    def is_kit(self) -> bool:
        return self.parts != {self.sku: 1}


class Allocation(Struct, frozen=True):
    """An order's claim on one SKU at one store: `quantity` = open + `consumed` + `released`."""

    pickup: PickupId
    line: Sku
    sku: Sku
    store: StoreId
    quantity: int
    consumed: int = 0
    released: int = 0

    @property
    def open(self) -> int:
        return self.quantity - self.consumed - self.released


class Pickup(Struct, frozen=True):
    id: PickupId
    order: OrderId
    store: StoreId
    state: PickupState
    lines: list[PickupLine]
    promised_from: datetime
    promised_until: datetime
    placed_at: datetime
    changed_at: datetime
    customer: CustomerId | None = None
    revision: int = 1
    code_hash: bytes | None = None
    tries: int = 0
    bin: str = ""
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    collected_at: datetime | None = None
    collected_by: str = ""
    proof: str = ""
    reason: str = ""
    version: int = 1

    def allocations(self) -> list[Allocation]:
        """What this pickup claims of the store's stock, part by part."""
        return [
            Allocation(
                pickup=self.id,
                line=line.sku,
                sku=sku,
                store=self.store,
                quantity=line.quantity * each,
                consumed=line.collected * each,
                released=(line.quantity - line.collected - line.promised) * each,
            )
            for line in self.lines
            for sku, each in sorted(line.parts.items())
        ]

    def accept(self, now: datetime) -> "Pickup":
        """The store will prepare it; a repeat changes nothing."""
        return self.moved(PickupState.ACCEPTED, now)

    def decline(self, reason: str, skus: Collection[Sku] | None, now: datetime) -> "Pickup":
        """The store will not prepare it, or not the lines of `skus`; a repeat changes nothing.

        What was not found is missing from its shelf; with any other reason it is free again.
        """
        self._must_have(skus or ())
        lines = [
            _declined(line, reason) if skus is None or line.sku in skus else line
            for line in self.lines
        ]
        if not any(line.remaining for line in lines):
            return self.moved(PickupState.DECLINED, now, lines=lines, reason=reason)
        if PickupState.DECLINED not in MOVES[self.state]:
            raise WrongState(self.state, PickupState.DECLINED)
        if lines == self.lines:
            return self
        return structs.replace(
            self, lines=lines, reason=reason, changed_at=now, version=self.version + 1
        )

    def cancel(self, reason: str, now: datetime) -> "Pickup":
        """The buyer no longer wants it; what was picked waits to be put back."""
        if self.state is PickupState.COLLECTED:
            raise AlreadyCollected(self)
        closed = [_cancelled(line) for line in self.lines]
        return self.moved(PickupState.CANCELLED, now, lines=closed, reason=reason, code_hash=None)

    def expire(self, now: datetime) -> "Pickup":
        """Nobody came in time."""
        closed = [_cancelled(line) for line in self.lines]
        return self.moved(
            PickupState.EXPIRED, now, lines=closed, reason="not_collected", code_hash=None
        )

    def pick(self, found: Mapping[Sku, "Found"], now: datetime) -> "Pickup":
        """So many units of each line were fetched so far; a repeat changes nothing.

        Raises:
            Unexpected: a line that is not here, more than was ordered, or fewer than before.
        """
        self._must_have(found)
        start = self.accept(now) if self.state is PickupState.PLACED else self
        lines = [
            _picked(line, found[line.sku]) if line.sku in found else line for line in self.lines
        ]
        if not any(line.remaining for line in lines):
            return start.moved(PickupState.SHORT, now, lines=lines, reason=NOT_FOUND)
        if lines == start.lines and start.state is PickupState.PICKING:
            return start
        return start.moved(PickupState.PICKING, now, lines=lines)

    def ready(
        self,
        *,
        bin: str,  # noqa: A002 - the field's own word
        revision: int,
        code_hash: bytes,
        collect_by: datetime,
        now: datetime,
    ) -> "Pickup":
        """The customer may come; a repeat changes nothing but the bin, where another is named.

        Raises:
            NotAllPicked: a line has neither its units nor the word that they are missing.
        """
        if self.state is PickupState.READY:
            return self._in_bin(bin or self.bin, now)
        open_lines = [line.sku for line in self.lines if line.picked < line.remaining]
        if open_lines and PickupState.READY in MOVES[self.state]:
            raise NotAllPicked(open_lines)
        return self.moved(
            PickupState.READY,
            now,
            bin=bin,
            revision=revision,
            code_hash=code_hash,
            collect_by=collect_by,
            ready_at=now,
        )

    def _in_bin(self, bin: str, now: datetime) -> "Pickup":  # noqa: A002 - the field's own word
        if bin == self.bin:
            return self
        return structs.replace(self, bin=bin, changed_at=now, version=self.version + 1)

    def hand_over(
        self, units: Mapping[Sku, int], *, by: str, proof: str = "", now: datetime
    ) -> "Pickup":
        """Give `units` of each line to whoever has the code; the rest stays ready.

        Raises:
            AlreadyCollected: nothing is left to give.
            Unexpected: a line that is not here, or more than lies ready.
        """
        if self.state is PickupState.COLLECTED:
            raise AlreadyCollected(self)
        if self.state is not PickupState.READY:
            raise WrongState(self.state, PickupState.COLLECTED)
        waiting = {line.sku: line.remaining for line in self.lines}
        wrong = sorted(sku for sku in units if not 0 < units[sku] <= waiting.get(sku, 0))
        if wrong:
            raise Unexpected(
                f"More of {', '.join(wrong)} than lies ready.", facts={"waiting": waiting}
            )
        lines = [
            structs.replace(line, collected=line.collected + units.get(line.sku, 0))
            for line in self.lines
        ]
        if any(line.remaining for line in lines):
            return self.moved(PickupState.READY, now, lines=lines)
        return self.moved(
            PickupState.COLLECTED,
            now,
            lines=lines,
            collected_at=now,
            collected_by=by,
            proof=proof,
        )

    def put_back(self, now: datetime) -> "Pickup":
        """What was picked in vain lies on its shelf again and may be sold.

        One that ended is then put back whole; of one that goes on, the lines that were given up.
        A repeat changes nothing.
        """
        lines = [
            structs.replace(line, put_back=line.put_back + line.in_vain) for line in self.lines
        ]
        if PickupState.PUT_BACK in MOVES[self.state] or lines == self.lines:
            return self.moved(PickupState.PUT_BACK, now, lines=lines)
        return structs.replace(self, lines=lines, changed_at=now, version=self.version + 1)

    def is_overdue(self, now: datetime) -> bool:
        """Ready, and the time to collect it is over."""
        return (
            self.state is PickupState.READY
            and self.collect_by is not None
            and self.collect_by < now
        )

    def _must_have(self, skus: Collection[Sku]) -> None:
        strangers = sorted(set(skus) - {line.sku for line in self.lines})
        if strangers:
            raise Unexpected(
                f"This pickup has no line for {', '.join(strangers)}.",
                facts={"expected": sorted(line.sku for line in self.lines)},
            )

    def try_failed(self) -> "Pickup":
        return structs.replace(self, tries=self.tries + 1)

    def moved(self, state: PickupState, now: datetime, **changes: object) -> "Pickup":
        """The step itself; a repeat of the last one changes nothing. Raises WrongState."""
        if state is self.state and not changes:
            return self
        if state not in MOVES[self.state]:
            if state is self.state:
                return self
            raise WrongState(self.state, state)
        return structs.replace(
            self, state=state, changed_at=now, version=self.version + 1, **changes
        )


class Found(Struct, frozen=True):
    """What a picker says of a line: units fetched so far, and whether the rest is not there."""

    quantity: int
    short: bool = False


def _picked(line: PickupLine, found: Found) -> PickupLine:
    wanted = line.quantity - line.cancelled
    if not line.picked <= found.quantity <= wanted:
        raise Unexpected(
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


def _cancelled(line: PickupLine) -> PickupLine:
    return structs.replace(line, cancelled=line.quantity - line.collected)


def _declined(line: PickupLine, reason: str) -> PickupLine:
    looked_for = max(0, line.quantity - line.cancelled - line.picked)
    missing = looked_for if reason == NOT_FOUND else 0
    return structs.replace(_cancelled(line), missing=line.missing + missing)


def not_there(before: Pickup, after: Pickup) -> set[Sku]:
    """Of what the step from `before` to `after` found not a single unit."""
    was = {line.sku: line.missing for line in before.lines}
    return {
        line.sku
        for line in after.lines
        if line.missing > was[line.sku] and not line.picked and not line.is_kit
    }


def emptied(
    changes: Iterable[Change], gone: Collection[Sku], shelves: Mapping[Place, Shelf]
) -> list[Change]:
    """The changes, which also take off what is free of `gone`: whoever looked has seen none.

    What other orders were promised stays promised, until somebody has counted.
    """
    return [
        structs.replace(
            change, on_hand=change.on_hand - max(0, shelves[change.place].after(change).available)
        )
        if change.sku in gone
        else change
        for change in summed(changes)
    ]


def changes_between(before: Pickup | None, after: Pickup) -> list[Change]:
    """What the step from `before` to `after` does to the shelves, and nothing else.

    Collected goods leave the shelf; goods that a picker did not find are taken off it, so that
    they are not sold again. Parts of a kit are only released, since nobody said which is missing.
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
            Change(
                after.store,
                claim.sku,
                on_hand=-(claim.consumed - (earlier.consumed if earlier else 0)) - missing * each,
                allocated=claim.open - (earlier.open if earlier else 0),
                staged=(line.staged - (earlier_line.staged if earlier_line else 0)) * each,
            )
        )
    return changes


def units_ended(before: Pickup, after: Pickup) -> tuple[dict[Sku, int], dict[Sku, int]]:
    """Units of each line that were collected, and that were cancelled, by the step."""
    was = {line.sku: line for line in before.lines}
    collected = {line.sku: line.collected - was[line.sku].collected for line in after.lines}
    cancelled = {line.sku: line.cancelled - was[line.sku].cancelled for line in after.lines}
    return _some(collected.items()), _some(cancelled.items())


def _some(units: Iterable[tuple[Sku, int]]) -> dict[Sku, int]:
    return {sku: count for sku, count in units if count}

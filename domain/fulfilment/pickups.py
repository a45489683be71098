"""Pickups: groups of goods that a buyer collects at a store with a code.

    placed → accepted → picking → ready → collected

A pickup that is not collected in time expires.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import structs

from domain.fulfilment.fulfilments import Fulfilment, InvalidState, Transitions, UnexpectedItem
from domain.kernel.errors import Conflict, Forbidden
from domain.kernel.ids import PickupId, Sku, StoreId

MAX_CODE_ATTEMPTS: Final = 5
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
TRANSITIONS: Final[Mapping[PickupState, frozenset[PickupState]]] = {
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


class AlreadyCollected(Conflict):
    code = "already_collected"

    def __init__(self, pickup: "Pickup") -> None:
        super().__init__(
            "This pickup was collected before.",
            facts={"store": pickup.store, "collected_at": pickup.collected_at},
        )


class PickupAtOtherStore(Conflict):
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


class PickingIncomplete(Conflict):
    code = "not_all_picked"

    def __init__(self, skus: list[Sku]) -> None:
        super().__init__(
            "Every line must be picked or declared short first.", facts={"missing": skus}
        )


class Pickup(Fulfilment, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "pickup"
    MOVES: ClassVar[Transitions] = TRANSITIONS

    id: PickupId
    state: PickupState
    promised_from: datetime
    promised_until: datetime
    revision: int = 1
    code_hash: bytes | None = None
    tries: int = 0
    bin: str = ""
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    collected_at: datetime | None = None
    collected_by: str = ""
    proof: str = ""

    def cancel(self, reason: str, now: datetime) -> "Pickup":
        """The buyer no longer wants it; picked goods wait to be put back."""
        if self.state is PickupState.COLLECTED:
            raise AlreadyCollected(self)
        return self.transition_to(
            "cancelled", now, lines=self.cancelled_lines(), reason=reason, code_hash=None
        )

    def cancel_units(self, units: Mapping[Sku, int], reason: str, now: datetime) -> "Pickup":
        """The buyer no longer wants some of it.

        Where all that is left was collected before, it is collected.

        Raises:
            AlreadyCollected: it is too late.
            Unexpected: a line that is not here, or more of it than is still to come.
        """
        if self.state is PickupState.COLLECTED:
            raise AlreadyCollected(self)
        lines = self.lines_without(units)
        if any(line.remaining for line in lines):
            if PickupState.CANCELLED not in TRANSITIONS[self.state]:
                raise InvalidState(self, PickupState.CANCELLED)
            return self.with_changes(now, lines=lines)
        return self.transition_to("cancelled", now, lines=lines, reason=reason, code_hash=None)

    def expire(self, now: datetime) -> "Pickup":
        """The buyer did not come in time."""
        return self.transition_to(
            "expired", now, lines=self.cancelled_lines(), reason="not_collected", code_hash=None
        )

    def mark_ready(
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
            PickingIncomplete: a line has neither its units nor the word that they are missing.
        """
        if self.state is PickupState.READY:
            return self._with_bin(bin or self.bin, now)
        open_lines = [line.sku for line in self.lines if line.picked < line.remaining]
        if open_lines and PickupState.READY in TRANSITIONS[self.state]:
            raise PickingIncomplete(open_lines)
        return self.transition_to(
            "ready",
            now,
            bin=bin,
            revision=revision,
            code_hash=code_hash,
            collect_by=collect_by,
            ready_at=now,
        )

    def _with_bin(self, bin: str, now: datetime) -> "Pickup":  # noqa: A002 - the field's own word
        return self if bin == self.bin else self.with_changes(now, bin=bin)

    def hand_over(
        self, units: Mapping[Sku, int], *, by: str, proof: str = "", now: datetime
    ) -> "Pickup":
        """Hands over `units` of each line to the holder of the code; the rest stays ready.

        Raises:
            AlreadyCollected: nothing is left to give.
            Unexpected: a line that is not here, or more than is ready.
        """
        if self.state is PickupState.COLLECTED:
            raise AlreadyCollected(self)
        if self.state is not PickupState.READY:
            raise InvalidState(self, PickupState.COLLECTED)
        waiting = {line.sku: line.remaining for line in self.lines}
        wrong = sorted(sku for sku in units if not 0 < units[sku] <= waiting.get(sku, 0))
        if wrong:
            raise UnexpectedItem(
                f"More of {', '.join(wrong)} than lies ready.", facts={"waiting": waiting}
            )
        lines = [
            structs.replace(line, given=line.given + units.get(line.sku, 0)) for line in self.lines
        ]
        if any(line.remaining for line in lines):
            return self.transition_to("ready", now, lines=lines)
        return self.transition_to(
            "collected", now, lines=lines, collected_at=now, collected_by=by, proof=proof
        )

    def is_overdue(self, now: datetime) -> bool:
        """Ready, and the time to collect it is over."""
        return (
            self.state is PickupState.READY
            and self.collect_by is not None
            and self.collect_by < now
        )

    def record_wrong_code(self) -> "Pickup":
        return structs.replace(self, tries=self.tries + 1)

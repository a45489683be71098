"""Whether the figures agree with the ledgers they are sums of, and with one another."""

from datetime import datetime

from msgspec import Struct


class BrokenRow(Struct, frozen=True):
    """One figure that differs from its expected value; `about` names the object it belongs to."""

    about: dict[str, str]
    expected: int
    actual: int


class Invariant(Struct, frozen=True, omit_defaults=True):
    """One claim about every row of the shop: how many were `checked`, how many are `broken`.

    `examples` are the first broken ones. One that is `unfinished` took too long: nothing is known
    of it, so it is not `ok`.
    """

    name: str
    ok: bool
    checked: int
    broken: int
    examples: list[BrokenRow] = []
    unfinished: bool = False

    @classmethod
    def timed_out(cls, name: str) -> "Invariant":
        return cls(name, ok=False, checked=0, broken=0, unfinished=True)


class InvariantFindings(Struct, frozen=True):
    """An audit: `ok` when every invariant holds."""

    ok: bool
    invariants: list[Invariant]

    @classmethod
    def from_invariants(cls, invariants: list[Invariant]) -> "InvariantFindings":
        return cls(all(invariant.ok for invariant in invariants), invariants)


class AuditedInvariant(Struct, frozen=True):
    """The result of the last timed audit for one invariant; `at` is when it was over."""

    name: str
    at: datetime
    checked: int
    broken: int
    unfinished: bool = False


class Repair(Struct, frozen=True):
    """A figure that was set to the value in its ledger."""

    invariant: str
    broken: BrokenRow
    at: datetime

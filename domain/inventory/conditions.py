"""Stock conditions of goods on hand that are not for sale: damaged, checked, shown, or set apart.

The unavailable quantity of a stock level is the sum over its conditions. The stock level has the
sum; each line of the ledger records the conditions that it moved.
"""

from collections.abc import Mapping
from enum import StrEnum

from domain.kernel.errors import Conflict


class Condition(StrEnum):
    DAMAGED = "damaged"
    QUALITY_CHECK = "quality_check"
    DISPLAY = "display"
    QUARANTINE = "quarantine"


Conditions = Mapping[Condition, int]
"""Units in each condition, or that are added to each."""


class InsufficientBlockedUnits(Conflict):
    """More is taken out of a condition than is in it."""

    code = "not_blocked"

    def __init__(self, condition: Condition, there: int) -> None:
        super().__init__(
            f"Only {there} are blocked as {condition.value}.",
            facts={"condition": condition.value, "blocked": there},
        )


def ensure_blocked(change: Conditions, there: Conditions) -> None:
    """Raises InsufficientBlockedUnits."""
    for condition, units in change.items():
        if there.get(condition, 0) + units < 0:
            raise InsufficientBlockedUnits(condition, there.get(condition, 0))


def sum_conditions(there: Conditions, change: Conditions) -> dict[Condition, int]:
    """Both together; conditions in which nothing is left are left out."""
    sums = {each: there.get(each, 0) + change.get(each, 0) for each in Condition}
    return {each: units for each, units in sums.items() if units}

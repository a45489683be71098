"""Price rules: markets, promotions and shipping methods, under the retailer's names.

The office writes each whole. Its version grows with every change, so that no writer overwrites
another's latest change.
"""

import re
from typing import Annotated, Final

from msgspec import Meta

from domain.kernel.errors import InvalidField, NotFound, PreconditionFailed
from domain.kernel.ids import RULE_PATTERN
from domain.kernel.patterns import anchored

Percent = Annotated[
    str,
    Meta(
        pattern=anchored(r"(100|[0-9]{1,2}(\.[0-9]{1,4})?)"),
        description="Exact: 25, or 8.875",
        extra_json_schema={"example": "25"},
    ),
]
CountryCode = Annotated[str, Meta(pattern=anchored("[A-Z]{2}"), description="ISO 3166")]
Category = Annotated[str, Meta(min_length=1, max_length=500)]
"""As products name theirs, letter by letter."""
NAME_RULE: Final = "must be 1 to 64 small letters, digits, - and _, and begin with none of the two"


class PriceRuleNotFound(NotFound):
    """`thing` is the kind of rule: a market, a promotion or a shipping method."""

    def __init__(self, thing: str, name: str) -> None:
        what = thing.replace("_", " ")
        super().__init__(
            f"There is no {what} {name!r}.", facts={thing: name}, code=f"unknown_{thing}"
        )


class PriceRuleVersionMismatch(PreconditionFailed):
    def __init__(self, version: int) -> None:
        super().__init__("Another caller has changed it since.", facts={"version": version})


def check_name(field: str, name: str) -> None:
    """Raises InvalidField where nothing can be called so."""
    if not re.match(RULE_PATTERN, name):
        raise InvalidField(field, "pattern", NAME_RULE)

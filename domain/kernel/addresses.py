"""Postal addresses of shipments."""

from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.text import OptionalName

AddressLine = Annotated[str, Meta(min_length=1, max_length=200)]


class Address(Struct, frozen=True, forbid_unknown_fields=True):
    """A postal address as a carrier needs it. `name` is the recipient, if not the buyer.

    Errors have msgspec's wording, so that the sender sees the exact field.
    """

    street: AddressLine
    city: AddressLine
    country: Annotated[str, Meta(description="Two letters of ISO 3166")]
    postal_code: Annotated[str, Meta(max_length=32)] = ""
    region: Annotated[str, Meta(max_length=200)] = ""
    more: Annotated[str, Meta(max_length=200, description="Floor, door, care of")] = ""
    name: OptionalName = ""

    def __post_init__(self) -> None:
        if self.country not in country_codes():
            raise ValueError("Object names no country of ISO 3166 in `country`")


@lru_cache(maxsize=1)
def country_codes() -> frozenset[str]:
    """Every country of ISO 3166 by its two letters, as the time zone database lists them."""
    told = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in told.splitlines() if line and not line.startswith("#"))

"""The words by which an order is found, and what somebody who looks for one may mean."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.customers.customers import read_phone
from domain.kernel.errors import WrongField
from domain.kernel.ids import OrderId
from domain.orders.orders import Order

PHONE: Final = re.compile(r"\+?[\d ()./-]{5,32}")
MOST_NAMES: Final = 5
"""Parts of a name that it is found by."""
SHORTEST_NAME: Final = 2


class Kind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    SKU = "sku"
    TRACKING = "tracking"
    RECEIPT = "receipt"


Word = tuple[Kind, str]


class Sought(Struct, frozen=True):
    """What a query may mean: an order's id, whole words, or how a name begins."""

    order: OrderId | None = None
    words: list[Word] = []
    name: str | None = None


def words_of(order: Order) -> list[Word]:
    """By what an order is found from the day it is placed."""
    contact = order.contact
    words = {(Kind.NAME, name) for name in _names(contact.name)}
    words |= {(Kind.SKU, line.sku) for line in order.lines}
    if contact.email:
        words.add((Kind.EMAIL, contact.email.casefold()))
    if contact.phone:
        words.add((Kind.PHONE, contact.phone))
    if order.payment.receipt:
        words.add((Kind.RECEIPT, order.payment.receipt))
    return sorted(words)


def _names(name: str) -> list[str]:
    """The name from each of its parts on: `anna maria berg`, `maria berg`, `berg`."""
    parts = _plain(name).split(" ")
    return [" ".join(parts[first:]) for first in range(min(len(parts), MOST_NAMES))]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def looks_like_a_phone(query: str) -> bool:
    return bool(PHONE.fullmatch(query.strip()))


def sought_by(query: str, countries: Collection[str]) -> Sought:
    """Whatever `query` can be; a number without a country code may be from any of `countries`."""
    text = query.strip()
    if text.startswith("ord_"):
        return Sought(order=OrderId(text))
    if "@" in text:
        return Sought(words=[(Kind.EMAIL, text.casefold())])
    words: list[Word] = [(kind, text) for kind in (Kind.SKU, Kind.TRACKING, Kind.RECEIPT)]
    if looks_like_a_phone(text):
        words += [(Kind.PHONE, number) for number in sorted(_numbers(text, countries))]
    name = _plain(text)
    return Sought(words=words, name=name if len(name) >= SHORTEST_NAME else None)


def _numbers(text: str, countries: Collection[str]) -> set[str]:
    numbers = set()
    for country in countries or [""]:
        try:
            numbers.add(read_phone(text, country or None))
        except WrongField:
            continue
    return numbers

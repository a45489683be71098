"""Search terms of an order, and the meanings of a search query."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.customers.customers import parse_phone
from domain.kernel.errors import InvalidField
from domain.kernel.ids import OrderId
from domain.orders.orders import Order

PHONE_PATTERN: Final = re.compile(r"\+?[\d ()./-]{5,32}")
MAX_NAMES: Final = 5
"""Parts of a name that it is found by."""
MIN_NAME_LENGTH: Final = 2


class SearchKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    SKU = "sku"
    TRACKING = "tracking"
    RECEIPT = "receipt"


SearchWord = tuple[SearchKind, str]


class SearchTerms(Struct, frozen=True):
    """The possible meanings of a query: an order's id, whole words, or the beginning of a name."""

    order: OrderId | None = None
    terms: list[SearchWord] = []
    name: str | None = None


def search_words(order: Order) -> list[SearchWord]:
    """The search terms of an order from the day it is placed."""
    contact = order.contact
    words = {(SearchKind.NAME, name) for name in _name_suffixes(contact.name)}
    words |= {(SearchKind.SKU, line.sku) for line in order.lines}
    if contact.email:
        words.add((SearchKind.EMAIL, contact.email.casefold()))
    if contact.phone:
        words.add((SearchKind.PHONE, contact.phone))
    if order.payment.receipt:
        words.add((SearchKind.RECEIPT, order.payment.receipt))
    return sorted(words)


def _name_suffixes(name: str) -> list[str]:
    """The name from each of its parts on: `anna maria berg`, `maria berg`, `berg`."""
    parts = _normalise(name).split(" ")
    return [" ".join(parts[first:]) for first in range(min(len(parts), MAX_NAMES))]


def _normalise(name: str) -> str:
    return " ".join(name.casefold().split())


def is_phone_like(query: str) -> bool:
    return bool(PHONE_PATTERN.fullmatch(query.strip()))


def parse_search(query: str, countries: Collection[str]) -> SearchTerms:
    """Whatever `query` can be; a number without a country code may be from any of `countries`."""
    text = query.strip()
    if text.startswith("ord_"):
        return SearchTerms(order=OrderId(text))
    if "@" in text:
        return SearchTerms(terms=[(SearchKind.EMAIL, text.casefold())])
    words: list[SearchWord] = [
        (kind, text) for kind in (SearchKind.SKU, SearchKind.TRACKING, SearchKind.RECEIPT)
    ]
    if is_phone_like(text):
        words += [(SearchKind.PHONE, number) for number in sorted(_phone_numbers(text, countries))]
    name = _normalise(text)
    return SearchTerms(terms=words, name=name if len(name) >= MIN_NAME_LENGTH else None)


def _phone_numbers(text: str, countries: Collection[str]) -> set[str]:
    numbers = set()
    for country in countries or [""]:
        try:
            numbers.add(parse_phone(text, country or None))
        except InvalidField:
            continue
    return numbers

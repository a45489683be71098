"""A file of products, or of sales whose lines tell products; prices are in major units, `2.55`."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import KindOfFile, require
from domain.catalogue.products import Product, parse_gtin
from domain.kernel.errors import InvalidField
from domain.kernel.money import from_major


def _gtin(value: object) -> str:
    return parse_gtin(values.key(value).strip())


def _currency(value: object) -> str:
    return values.text(value).upper()


def _parts(value: object) -> dict[str, int]:
    """`{"sku": quantity}` or `sku=quantity; sku=quantity`."""
    return {sku: values.whole(quantity) for sku, quantity in values.pairs(value).items()}


def _settle(told: dict[str, Any]) -> dict[str, Any]:
    require(told, "sku", "name", "price", "currency")
    told.pop("seen_at", None)
    return told | {"price": _price(told["price"], told.pop("currency"))}


def _price(written: str, currency: str) -> dict[str, Any]:
    try:
        price = from_major(values.amount(written), currency)
    except ValueError as trouble:
        raise InvalidField("price", "not_a_price", f"is no price: {trouble}") from None
    return {"amount": price.amount, "currency": price.currency}


PRODUCTS = KindOfFile(
    key=("sku",),
    thing=Product,
    settle=_settle,
    objects=frozenset({"names", "options"}),
    fields={
        "sku": values.sku,
        "gtin": _gtin,
        "name": values.text,
        "names": values.pairs,
        "price": values.text,
        "currency": _currency,
        "category": values.text,
        "group": values.key,
        "options": values.pairs,
        "parts": _parts,
        "relations": values.document,
        "state": values.text,
        "tracked": values.flag,
        "most_per_order": values.whole,
        "seen_at": values.instant,
    },
)

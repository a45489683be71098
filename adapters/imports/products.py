"""A file of products, or of sales whose lines name products; prices are in major units, `2.55`."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import ImportSchema, require_fields
from domain.catalogue.products import Product, parse_gtin
from domain.kernel.errors import InvalidField
from domain.kernel.money import from_major


def _gtin(value: object) -> str:
    return parse_gtin(values.key(value).strip())


def _currency(value: object) -> str:
    return values.text(value).upper()


def _kit_parts(value: object) -> dict[str, int]:
    """`{"sku": quantity}` or `sku=quantity; sku=quantity`."""
    return {sku: values.integer(quantity) for sku, quantity in values.text_mapping(value).items()}


def _normalize(told: dict[str, Any]) -> dict[str, Any]:
    require_fields(told, "sku", "name", "price", "currency")
    told.pop("seen_at", None)
    return told | {"price": _parse_price(told["price"], told.pop("currency"))}


def _parse_price(written: str, currency: str) -> dict[str, Any]:
    try:
        price = from_major(values.decimal_text(written), currency)
    except ValueError as trouble:
        raise InvalidField("price", "not_a_price", f"is no price: {trouble}") from None
    return {"amount": price.amount, "currency": price.currency}


PRODUCTS = ImportSchema(
    key=("sku",),
    record_type=Product,
    normalize=_normalize,
    nested_fields=frozenset({"names", "options"}),
    fields={
        "sku": values.sku,
        "gtin": _gtin,
        "name": values.text,
        "names": values.text_mapping,
        "price": values.text,
        "currency": _currency,
        "category": values.text,
        "group": values.key,
        "options": values.text_mapping,
        "parts": _kit_parts,
        "relations": values.json_value,
        "state": values.text,
        "tracked": values.boolean,
        "most_per_order": values.integer,
        "seen_at": values.timestamp,
    },
)

"""The sample that ships is a whole small retailer, and plainly nobody's."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from msgspec.json import decode

import adapters.sample
from domain.catalogue.products import Product, Relation, RelationKind, parse_gtin
from domain.kernel.locales import LOCALES
from domain.kernel.money import from_major
from domain.stores.opening_hours import parse_hours
from domain.stores.stores import Store

SAMPLE = Path(adapters.sample.__file__).parent


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def product(told: dict[str, Any]) -> Product:
    return Product(
        sku=told["sku"],
        name=told["name"],
        names=told["names"],
        price=from_major(told["price"], told["currency"]),
        gtin=parse_gtin(told["gtin"]) if "gtin" in told else None,
        category=told["category"],
        group=told.get("group"),
        options=told.get("options", {}),
        parts=told.get("parts", {}),
        relations=tuple(
            Relation(one["sku"], RelationKind(one["kind"]), one.get("replenish_after_days"))
            for one in told.get("relations", [])
        ),
        tracked=told.get("tracked", True),
    )


@pytest.fixture(scope="module")
def products() -> dict[str, Product]:
    told = decode((SAMPLE / "products.json").read_bytes())
    return {one["sku"]: product(one) for one in told}


def test_there_are_twelve_stores_in_five_countries():
    stores = [
        Store(
            store=row["store"],
            name=row["name"],
            country=row["country"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            time_zone=row["time_zone"],
            hours=parse_hours(row["hours"]),
        )
        for row in rows("stores.csv")
    ]

    assert len(stores) == 12
    assert {store.country for store in stores} == {"GB", "NO", "SE", "DK", "RO"}
    assert all(store.hours for store in stores)


def test_every_product_has_a_name_in_every_language(products):
    assert len(products) == 162
    assert not [one.sku for one in products.values() if set(one.names) != set(LOCALES)]


def test_every_barcode_is_one_for_use_inside_a_shop_and_used_once(products):
    barcodes = [one.gtin for one in products.values() if one.gtin]

    assert [one.sku for one in products.values() if not one.gtin] == [
        one.sku for one in products.values() if not one.tracked
    ]
    assert {code[:4] for code in barcodes} == {"0200"}
    assert max(Counter(barcodes).values()) == 1


def test_whatever_a_product_names_is_there(products):
    related = {relation.sku for one in products.values() for relation in one.relations}
    kinds = {relation.kind for one in products.values() for relation in one.relations}

    assert related <= products.keys()
    assert kinds == set(RelationKind)
    assert [one.sku for one in products.values() if one.parts]
    assert not [one.sku for one in products.values() if not one.parts.keys() <= products.keys()]


def test_variants_of_one_thing_differ_in_their_options(products):
    seen = Counter((one.group, str(one.options)) for one in products.values() if one.group)

    assert len(seen) > 100
    assert max(seen.values()) == 1


def test_vacuum_cleaners_want_new_bags_after_two_months(products):
    relations = {relation.sku: relation for relation in products["VACUUM-RED"].relations}

    assert relations["VACUUM-BAGS"].replenish_after_days == 60
    assert relations["SERVICE-GUARANTEE"].kind is RelationKind.SERVICE


def test_every_store_has_stock_of_what_lies_on_shelves_and_some_shelves_are_bare(products):
    stock = {(row["store"], row["sku"]): int(row["on_hand"]) for row in rows("stock.csv")}
    shelved = [one.sku for one in products.values() if one.tracked and not one.parts]

    assert stock.keys() == {(row["store"], sku) for row in rows("stores.csv") for sku in shelved}
    assert min(stock.values()) == 0
    assert 0.04 < sum(count == 0 for count in stock.values()) / len(stock) < 0.12
    assert 0.06 < sum(0 < count <= 3 for count in stock.values()) / len(stock) < 0.25


def test_the_customers_are_plainly_samples():
    customers = rows("customers.csv")
    phones = [row["phone"] for row in customers if row["phone"]]

    assert {row["locale"] for row in customers} == set(LOCALES)
    assert not [row for row in customers if not row["name"].startswith("Sample Customer ")]
    assert not [row for row in customers if not row["email"].endswith("@example.com")]
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)
    assert all(phone.startswith(("+4420794602", "+46701740")) for phone in phones)

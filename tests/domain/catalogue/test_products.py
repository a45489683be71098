import pytest
from msgspec import structs

from domain.carts.cart_lines import MAX_LINES, MAX_QUANTITY
from domain.catalogue.products import (
    MAX_PRICE,
    Product,
    ProductState,
    Relation,
    RelationKind,
    SkuRetired,
    apply_update,
    ensure_valid_parts,
    parse_gtin,
)
from domain.kernel.errors import Invalid, InvalidField
from domain.kernel.money import Money
from tests.support.examples import MUG, TEA_SET, TEAPOT, a_product


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("96385074", "00000096385074"),
        ("614141007349", "00614141007349"),
        ("4006381333931", "04006381333931"),
        ("04006381333931", "04006381333931"),
    ],
)
def test_every_spelling_of_a_barcode_is_one_barcode(written: str, kept: str):
    assert parse_gtin(written) == kept


@pytest.mark.parametrize("wrong", ["4006381333930", "123", "", "40063813339ab", "400638133393100"])
def test_what_no_scanner_reads_is_no_barcode(wrong: str):
    with pytest.raises(InvalidField, match="check digit"):
        parse_gtin(wrong)


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"price": Money(0, "SEK")}, "/price"),
        ({"price": Money(-1, "SEK")}, "/price"),
        ({"price": Money(1, "XYZ")}, "/currency"),
        ({"gtin": "4006381333931"}, "/gtin"),
        ({"parts": {MUG: 1}}, "/parts"),
        ({"relations": (Relation("a/b", RelationKind.ACCESSORY),)}, "/sku"),
    ],
)
def test_a_product_that_cannot_be_is_refused_by_field(facts, pointer):
    with pytest.raises(Invalid) as refusal:
        structs.replace(a_product(MUG), **facts)

    assert refusal.value.errors[0]["pointer"] == pointer


def test_a_name_falls_back_to_its_language_and_then_to_the_main_one():
    mug = a_product(names={"sv": "Mugg"})

    assert [mug.name_in(locale) for locale in ("sv", "sv-FI", "da")] == ["Mugg", "Mugg", "Mug"]


def test_what_is_not_told_stays_as_it_was():
    known = a_product(MUG, 1000, category="kitchen", gtin="04006381333931")
    told = a_product(MUG, 1200)

    after = apply_update(known, told, frozenset({"sku", "name", "price"}))

    assert after == structs.replace(known, price=Money(1200, "SEK"))


def test_a_retired_sku_is_never_given_to_another_thing():
    retired = a_product(MUG, state=ProductState.RETIRED)

    with pytest.raises(SkuRetired):
        apply_update(retired, a_product(MUG, name="Lamp"), frozenset({"name"}))
    with pytest.raises(SkuRetired):
        apply_update(retired, a_product(MUG), frozenset({"state"}))
    assert apply_update(retired, a_product(MUG), frozenset({"name"})) == retired


def test_a_kit_is_made_of_known_things_that_are_no_kits():
    pot, kit = a_product(TEAPOT), a_product(TEA_SET, parts={TEAPOT: 1})

    ensure_valid_parts(kit, {TEAPOT: pot})
    with pytest.raises(InvalidField, match="no product yet"):
        ensure_valid_parts(kit, {})
    with pytest.raises(InvalidField, match="itself a kit"):
        ensure_valid_parts(a_product("GIFT", parts={TEA_SET: 1}), {TEA_SET: kit})


def test_the_dearest_product_fills_the_fullest_cart():
    dearest = Product(sku="YACHT", name="Yacht", price=Money(MAX_PRICE, "SEK"))
    cart = dearest.price * (MAX_QUANTITY * MAX_LINES)

    assert cart.amount == MAX_PRICE * 999 * 200


def test_what_is_dearer_than_an_order_can_bear_is_refused():
    with pytest.raises(InvalidField) as refused:
        Product(sku="YACHT", name="Yacht", price=Money(MAX_PRICE + 1, "SEK"))

    assert refused.value.errors[0]["code"] == "too_high"


@pytest.mark.parametrize("times", [10**6, -(10**6)])
def test_money_that_nobody_could_read_is_not_made(times: int):
    with pytest.raises(ValueError, match="more than money has"):
        Money(10**10, "SEK") * times

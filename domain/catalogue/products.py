"""Products: goods and services, their variants, kits and related products."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct, field, structs

from domain.kernel.errors import Conflict, InvalidField, NotFound
from domain.kernel.ids import Sku, check_key
from domain.kernel.money import Money, is_currency
from domain.kernel.text import Title

Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
Names = Annotated[dict[Annotated[str, Meta(max_length=35)], Title], Meta(max_length=100)]
Options = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=200)]],
    Meta(max_length=50),
]
MaxPerOrder = Annotated[int, Meta(ge=1, le=999)]
MAX_PRICE: Final = 2 * 10**9
"""Minor units of a price: the fullest cart with as much tax on top is still one sum of money."""


class ProductNotFound(NotFound):
    code = "unknown_sku"

    def __init__(self, sku: Sku) -> None:
        super().__init__(f"There is no product {sku!r}.", facts={"sku": sku})


class SkuRetired(Conflict):
    code = "sku_retired"

    def __init__(self, sku: Sku) -> None:
        super().__init__(
            f"The sku {sku!r} is retired and is never given to another thing.", facts={"sku": sku}
        )


class RelationKind(StrEnum):
    ACCESSORY = "accessory"
    CONSUMABLE = "consumable"
    SERVICE = "service"


class Relation(Struct, frozen=True):
    """Something that goes with a product; a consumable is used up after so many days."""

    sku: Sku
    kind: RelationKind
    replenish_after_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class ProductState(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"


class Product(Struct, frozen=True, kw_only=True):
    """`name` is in the retailer's main language, `names` in others by locale.

    Products of one `group` are variants of each other and differ in `options` (size, colour). A
    product with `parts` is a kit: it has no stock of its own and is made of other products. `gtin`
    is stored in 14 digits. One that is not `tracked`, a service, never runs out. An order has at
    most `most_per_order`; null for the shop's usual limit.
    """

    sku: Sku
    name: Title
    price: Money
    names: Names = field(default_factory=dict)
    gtin: str | None = None
    category: Annotated[str, Meta(max_length=500)] = ""
    group: Annotated[str, Meta(max_length=200)] | None = None
    options: Options = field(default_factory=dict)
    parts: Annotated[dict[Sku, Quantity], Meta(max_length=100)] = field(default_factory=dict)
    relations: Annotated[tuple[Relation, ...], Meta(max_length=100)] = ()
    state: ProductState = ProductState.ACTIVE
    tracked: bool = True
    most_per_order: MaxPerOrder | None = None

    def __post_init__(self) -> None:
        check_key("sku", self.sku)
        if self.price.amount <= 0:
            raise InvalidField("price", "not_positive", "must be more than 0")
        if self.price.amount > MAX_PRICE:
            raise InvalidField("price", "too_high", f"must be at most {MAX_PRICE} minor units")
        if not is_currency(self.price.currency):
            raise InvalidField("currency", "unknown_currency", "must be a currency of ISO 4217")
        if self.gtin is not None and parse_gtin(self.gtin) != self.gtin:
            raise InvalidField("gtin", "not_a_gtin", "must have 14 digits")
        if self.sku in self.parts:
            raise InvalidField("parts", "contains_itself", "must not contain the kit itself")
        for sku in (*self.parts, *(relation.sku for relation in self.relations)):
            check_key("sku", sku)

    def name_in(self, locale: str) -> str:
        """The name in `locale` or its language, else in the main language."""
        language, _, _ = locale.partition("-")
        return self.names.get(locale) or self.names.get(language) or self.name


class ProductWithParts(Struct, frozen=True):
    """The stock facts of a product: its parts, and whether it is tracked and sold."""

    sku: Sku
    tracked: bool
    parts: dict[Sku, int]
    retired: bool = False


def parse_gtin(text: str) -> str:
    """A barcode of 8, 12, 13 or 14 digits as 14 digits, so that every spelling finds it.

    Raises:
        InvalidField: the digits are too few or too many, or the check digit is wrong.
    """
    # The library knows who issues which number: 15 MB, the weight of many thousand products.
    from biip import ParseError  # noqa: PLC0415
    from biip.gtin import Gtin  # noqa: PLC0415

    try:
        return Gtin.parse(text.encode("ascii").decode()).as_gtin_14()
    except (ParseError, UnicodeEncodeError):
        rule = "must be a GTIN of 8, 12, 13 or 14 digits with its check digit"
        raise InvalidField("gtin", "not_a_gtin", rule) from None


def apply_update(known: Product | None, told: Product, given: frozenset[str]) -> Product:
    """`known` with the `given` fields; fields that are not given stay as they were.

    Raises:
        SkuRetired: the sku is retired and another value than before was given.
    """
    if known is None:
        return told
    product = structs.replace(known, **{name: getattr(told, name) for name in given})
    if known.state is ProductState.RETIRED and product != known:
        raise SkuRetired(known.sku)
    return product


def ensure_valid_parts(kit: Product, known: Mapping[Sku, Product]) -> None:
    """Raises InvalidField where a kit is made of an unknown product, or of another kit."""
    for sku in sorted(kit.parts):
        if sku not in known:
            raise InvalidField("parts", "unknown_sku", f"names {sku!r}, which is no product yet")
        if known[sku].parts:
            raise InvalidField("parts", "kit_in_kit", f"names {sku!r}, which is itself a kit")

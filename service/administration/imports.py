"""Files of the retailer's own systems come in line by line: stores, products, stock and others.

Every line is accepted, found unchanged, or refused with a reason. Lines come in batches, each in
a unit of its own, so that a file of any length holds no lock for long; a file that broke off is
simply brought in again, and what is already there is unchanged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, Final, Generic, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, field, structs

from domain.catalogue.products import Product, ProductMissing, check_parts, revised
from domain.customers.customers import Customer, Person, ToldPerson
from domain.inventory.change_feed import retold
from domain.inventory.deliveries import Delivery, Expected
from domain.inventory.sales_channels import NoSuchChannel
from domain.inventory.stock_levels import Cause, Move, Place, Shelf, Source
from domain.inventory.stocktaking import Count, Told, recounted
from domain.kernel.errors import Refusal, WrongField
from domain.kernel.ids import CustomerId, DeliveryId, Sku
from domain.stores.stores import Store, StoreMissing
from service.inventory.stocktaking import past
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

T = TypeVar("T")
V = TypeVar("V")
K = TypeVar("K")

LISTED_MOST: Final = 1000
"""Refused lines that a report names; the rest is counted."""


class ImportKind(StrEnum):
    STORES = "stores"
    PRODUCTS = "products"
    STOCK = "stock"
    CUSTOMERS = "customers"
    DELIVERIES = "deliveries"


class ImportOptions(Struct, frozen=True, kw_only=True):
    """How to understand a file whose columns have other names than ours.

    `columns` says where a field stands (a dot steps into an object), `constants` what a field is in
    every line, `patterns` which text a field must match. `distinct` names the key of which many
    lines become one thing. `content_type` is what somebody called the file, if anybody did.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    distinct: str | None = None
    content_type: str = ""


def options(
    *,
    columns: Sequence[str] = (),
    constants: Sequence[str] = (),
    patterns: Sequence[str] = (),
    distinct: str | None = None,
    content_type: str = "",
) -> ImportOptions:
    """From pairs as people write them: `field=column`, `field=value`, `field=regular expression`.

    Raises:
        WrongField: a pair has no `=`.
    """
    return ImportOptions(
        columns=_pairs("map", columns),
        constants=_pairs("set", constants),
        patterns=_pairs("pattern", patterns),
        distinct=distinct or None,
        content_type=content_type,
    )


def _pairs(option: str, written: Sequence[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in written]
    for pair, (name, equals, _) in zip(written, pairs, strict=True):
        if not name or not equals:
            raise WrongField(option, "not_a_pair", f"must be written as field=…, not {pair!r}")
    return {name: rest for name, _, rest in pairs}


class Refused(Struct, frozen=True):
    line: int
    code: str
    detail: str

    @staticmethod
    def of(line: int, no: Refusal) -> "Refused":
        """The first rule that the line breaks."""
        return Refused(line, no.errors[0]["code"] if no.errors else no.name, no.detail)


class Entry(Struct, Generic[T], frozen=True):
    """One thing as a line tells it; `given` are the fields it really names.

    `folded` counts further lines of the same key that are told in it.
    """

    line: int
    value: T
    given: frozenset[str]
    folded: int = 0


Batch = Sequence[Entry[Any] | Refused]
Verdict = bool | Refused
"""Whether a line changed something, or why it was refused."""


class Report(Struct):
    """accepted + unchanged + refused = lines read; `lines` are the first that were refused."""

    accepted: int = 0
    unchanged: int = 0
    refused: int = 0
    lines: list[Refused] = field(default_factory=list)

    @property
    def lines_read(self) -> int:
        return self.accepted + self.unchanged + self.refused

    def note(self, entry: Entry[Any] | Refused, verdict: Verdict) -> None:
        """Count a line. Of lines that were folded into one thing, one is accepted."""
        folded = 0 if isinstance(entry, Refused) else entry.folded
        if isinstance(verdict, Refused):
            self.refused += 1 + folded
            self.lines += [verdict][: LISTED_MOST - len(self.lines)]
        else:
            self.accepted += verdict
            self.unchanged += folded + (not verdict)


@runtime_checkable
class Reading(Protocol):
    """Understands files."""

    def batches(
        self, kind: ImportKind, file: BinaryIO, options: ImportOptions
    ) -> AsyncIterator[Batch]:
        """What the lines of `file` say, in batches of a size that a unit can take.

        Raises:
            Invalid: the options do not fit the kind, or no line of the file can be read.
        """


async def bring_in(
    units: Units,
    batches: AsyncIterator[Batch],
    kind: ImportKind,
    *,
    actor: str,
    watch: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Bring in what a file says, batch by batch. `watch` sees the report grow.

    Repeating a file changes nothing: every line is then unchanged, or refused as before.
    """
    report = Report()
    async for batch in batches:
        entries = [line for line in batch if not isinstance(line, Refused)]
        verdicts = await _laid_over(units, entries, kind, actor) if entries else []
        told = iter(verdicts)
        for line in batch:
            report.note(line, line if isinstance(line, Refused) else next(told))
        watch(report)
    return report


@tried_again
async def _laid_over(
    units: Units, entries: Sequence[Entry[Any]], kind: ImportKind, actor: str
) -> list[Verdict]:
    """One batch over what is known."""
    async with units.begin() as unit:
        return await STEPS[kind](unit, entries, actor)


async def _stores(unit: Unit, entries: Sequence[Entry[Store]], _: str) -> list[Verdict]:
    known = await unit.stores.lock([entry.value.store for entry in entries])
    before = dict(known)
    channels = await unit.sales_channels.known()

    def merged(so_far: Store | None, entry: Entry[Store]) -> Store:
        for channel in entry.value.channels or ():
            if channel not in channels:
                raise NoSuchChannel(channel, {"pointer": "/channels"})
        return _merged(so_far, entry)

    verdicts, changed = _revise(entries, known, lambda store: store.store, merged)
    if changed:
        await unit.stores.put(changed)
        otherwise = [
            one.store
            for one in changed
            if one.store in before and one.channels != before[one.store].channels
        ]
        if otherwise:
            await unit.stock.restate(stores=otherwise)
    return verdicts


async def _products(unit: Unit, entries: Sequence[Entry[Product]], _: str) -> list[Verdict]:
    skus = {sku for entry in entries for sku in (entry.value.sku, *entry.value.parts)}
    known = await unit.products.lock(skus)
    before = dict(known)

    def merged(so_far: Product | None, entry: Entry[Product]) -> Product:
        product = revised(so_far, entry.value, entry.given)
        if product != so_far:
            check_parts(product, known)
        return product

    verdicts, changed = _revise(entries, known, lambda product: product.sku, merged)
    if changed:
        await unit.products.put(changed)
        told = (
            retold(before[product.sku], product) for product in changed if product.sku in before
        )
        if otherwise := set().union(*told):
            await unit.stock.retell(otherwise)
    return verdicts


async def _customers(unit: Unit, entries: Sequence[Entry[ToldPerson]], _: str) -> list[Verdict]:
    known = await unit.customers.lock([entry.value.external_id for entry in entries])

    def merged(before: Customer | None, entry: Entry[ToldPerson]) -> Customer:
        told = {name: getattr(entry.value, name) for name in Person.__struct_fields__}
        if before is None:
            return Customer(id=CustomerId(unit.new_id("cus")), **told)
        return structs.replace(before, **{name: told[name] for name in told.keys() & entry.given})

    fresh = [entry.value for entry in entries if entry.value.external_id not in known]
    verdicts, changed = _revise(entries, known, lambda person: person.external_id, merged)
    if changed:
        await unit.customers.put(changed)
        await unit.customers.enrol([person.external_id for person in fresh if person.member])
    return verdicts


async def _deliveries(unit: Unit, entries: Sequence[Entry[Expected]], actor: str) -> list[Verdict]:
    known = await unit.deliveries.take_told({entry.value.id for entry in entries})
    stores = await unit.stores.by_id({entry.value.store for entry in entries})
    skus = await unit.products.known({entry.value.sku for entry in entries})
    heads: dict[str, tuple[Any, ...]] = {}

    def merged(before: Delivery | None, entry: Entry[Expected]) -> Delivery:
        line = entry.value
        if line.store not in stores:
            raise StoreMissing(line.store)
        _must_be_known(line.sku, skus)
        head = line.store, line.due_on, line.reference
        if heads.setdefault(line.id, head) != head:
            raise WrongField("id", "contradiction", f"{line.id} is told otherwise before")
        delivery = before or Delivery(
            id=DeliveryId(unit.new_id("dlv")),
            external_id=line.id,
            destination=line.store,
            lines=[],
            due_on=line.due_on,
            announced_by=actor,
            announced_at=unit.now,
            version=0,
        )
        reference = line.reference if "reference" in entry.given else delivery.reference
        return delivery.as_told(line, reference=reference)

    verdicts, changed = _revise(entries, known, lambda line: line.id, merged)
    if changed:
        await unit.deliveries.put({one.external_id: one for one in changed if one.external_id})
    return verdicts


async def _stock(unit: Unit, entries: Sequence[Entry[Count]], actor: str) -> list[Verdict]:
    stores = await unit.stores.by_id({entry.value.store for entry in entries})
    skus = await unit.products.known({entry.value.sku for entry in entries})
    shelves = await unit.stock.lock(
        {
            entry.value.place
            for entry in entries
            if entry.value.store in stores and entry.value.sku in skus
        },
        shelve=True,
    )
    before = await unit.stock.told(shelves)

    def merged(last: Told | None, entry: Entry[Count]) -> Told:
        count = entry.value
        if count.store not in stores:
            raise StoreMissing(count.store)
        _must_be_known(count.sku, skus)
        as_of = past("counted_at", count.counted_at, unit.now)
        if last is not None and last.says_again(count):
            return last
        return Told(as_of, count)

    verdicts, changed = _revise(entries, before, lambda count: count.place, merged)
    await _recount(unit, changed, shelves, Source(Cause.COUNT, unit.new_id("imp"), actor, unit.now))
    return verdicts


async def _recount(
    unit: Unit, told: Sequence[Told], shelves: Mapping[Place, Shelf], source: Source
) -> None:
    """Make each shelf what was counted, with what has moved since then applied again."""
    latest = {each.line.place: each for each in told if each.line}
    since = await unit.stock.moved_since({(place, each.as_of) for place, each in latest.items()})
    await unit.stock.apply(
        [
            Move(
                recounted(each.line, shelves[place], since.get((place, each.as_of), 0)),
                structs.replace(source, occurred_at=each.as_of),
            )
            for place, each in latest.items()
            if each.line
        ]
    )
    await unit.stock.remember(latest)
    by_hand = [place for place, told in latest.items() if told.line and _sets_safety(told.line)]
    if by_hand:
        await unit.walk_ins.forget(by_hand)


def _sets_safety(line: Count) -> bool:
    return line.safety_stock is not None


def _revise(
    entries: Sequence[Entry[T]],
    known: dict[K, V],
    key: Callable[[T], K],
    merge: Callable[[V | None, Entry[T]], V],
) -> tuple[list[Verdict], list[V]]:
    """Lay each entry over what is known, in the order of the file; what is new then is `known`.

    Answers a verdict for each entry, and the things that changed.
    """
    verdicts: list[Verdict] = []
    changed: dict[K, V] = {}
    for entry in entries:
        name = key(entry.value)
        try:
            after = merge(known.get(name), entry)
        except Refusal as no:
            verdicts.append(Refused.of(entry.line, no))
            continue
        verdicts.append(after != known.get(name))
        if verdicts[-1]:
            known[name] = changed[name] = after
    return verdicts, list(changed.values())


def _merged(before: Store | None, entry: Entry[Store]) -> Store:
    if before is None:
        return entry.value
    given = {name: getattr(entry.value, name) for name in entry.given}
    return structs.replace(before, **given)


def _must_be_known(sku: Sku, known: set[Sku]) -> None:
    if sku not in known:
        raise ProductMissing(sku)


STEPS: Final[
    Mapping[ImportKind, Callable[[Unit, Sequence[Entry[Any]], str], Awaitable[list[Verdict]]]]
] = {
    ImportKind.STORES: _stores,
    ImportKind.PRODUCTS: _products,
    ImportKind.STOCK: _stock,
    ImportKind.CUSTOMERS: _customers,
    ImportKind.DELIVERIES: _deliveries,
}

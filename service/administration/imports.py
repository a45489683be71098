"""Imports of files from the retailer's systems, line by line: stores, products, stock and others.

Every line is accepted, found unchanged, or refused with a reason. Lines come in batches, each in
a unit of its own, so that a file of any length holds no lock for long; an interrupted file is
imported again, and lines already imported are unchanged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, Final, Generic, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, field, structs

from domain.catalogue.products import Product, ProductNotFound, apply_update, ensure_valid_parts
from domain.customers.customers import Customer, Person, ReportedPerson
from domain.inventory.change_feed import republished
from domain.inventory.deliveries import Delivery, ExpectedDeliveryLine
from domain.inventory.sales_channels import UnknownChannel
from domain.inventory.stock_levels import (
    MovementReason,
    PostingSource,
    StockKey,
    StockLevel,
    StockPosting,
)
from domain.inventory.stocktaking import Report, StockCount, apply_count
from domain.kernel.errors import DomainError, InvalidField
from domain.kernel.ids import CustomerId, DeliveryId, Sku
from domain.stores.stores import Store, StoreNotFound
from service.inventory.stocktaking import clamp_to_past
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

T = TypeVar("T")
V = TypeVar("V")
K = TypeVar("K")

MAX_LISTED: Final = 1000
"""Refused lines that a report names; the rest is counted."""


class ImportKind(StrEnum):
    STORES = "stores"
    PRODUCTS = "products"
    STOCK = "stock"
    CUSTOMERS = "customers"
    DELIVERIES = "deliveries"


class ImportOptions(Struct, frozen=True, kw_only=True):
    """Options for a file whose columns have other names than ours.

    `columns` gives the path of a field (a dot steps into an object), `constants` the value of a
    field in every line, `patterns` the text a field must match. `distinct` names the key by which
    many lines become one entry. `content_type` is the file's declared type, if any.
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
        InvalidField: a pair has no `=`.
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
            raise InvalidField(option, "not_a_pair", f"must be written as field=…, not {pair!r}")
    return {name: rest for name, _, rest in pairs}


class RefusedLine(Struct, frozen=True):
    line: int
    code: str
    detail: str

    @staticmethod
    def of(line: int, no: DomainError) -> "RefusedLine":
        """The first rule that the line breaks."""
        return RefusedLine(line, no.errors[0]["code"] if no.errors else no.error_code, no.detail)


class ImportEntry(Struct, Generic[T], frozen=True):
    """One entry as a line gives it; `given` are the fields the line really names.

    `folded` counts further lines of the same key that are merged into it.
    """

    line: int
    value: T
    given: frozenset[str]
    folded: int = 0


Batch = Sequence[ImportEntry[Any] | RefusedLine]
LineVerdict = bool | RefusedLine
"""Whether a line changed something, or why it was refused."""


class ImportReport(Struct):
    """accepted + unchanged + refused = lines read; `lines` are the first that were refused."""

    accepted: int = 0
    unchanged: int = 0
    refused: int = 0
    lines: list[RefusedLine] = field(default_factory=list)

    @property
    def lines_read(self) -> int:
        return self.accepted + self.unchanged + self.refused

    def note(self, entry: ImportEntry[Any] | RefusedLine, verdict: LineVerdict) -> None:
        """Count a line. Of lines that were folded into one thing, one is accepted."""
        folded = 0 if isinstance(entry, RefusedLine) else entry.folded
        if isinstance(verdict, RefusedLine):
            self.refused += 1 + folded
            self.lines += [verdict][: MAX_LISTED - len(self.lines)]
        else:
            self.accepted += verdict
            self.unchanged += folded + (not verdict)


@runtime_checkable
class FileReader(Protocol):
    """Understands files."""

    def batches(
        self, kind: ImportKind, file: BinaryIO, options: ImportOptions
    ) -> AsyncIterator[Batch]:
        """The entries of `file`, in batches of a size that a unit can take.

        Raises:
            Invalid: the options do not fit the kind, or no line of the file can be read.
        """


async def import_file(
    units: Units,
    batches: AsyncIterator[Batch],
    kind: ImportKind,
    *,
    actor: str,
    watch: Callable[[ImportReport], None] = lambda _: None,
) -> ImportReport:
    """Imports the lines of a file, batch by batch. `watch` sees the report grow.

    Repeating a file changes nothing: every line is then unchanged, or refused as before.
    """
    report = ImportReport()
    async for batch in batches:
        entries = [line for line in batch if not isinstance(line, RefusedLine)]
        verdicts = await _laid_over(units, entries, kind, actor) if entries else []
        told = iter(verdicts)
        for line in batch:
            report.note(line, line if isinstance(line, RefusedLine) else next(told))
        watch(report)
    return report


@retry_on_conflict
async def _laid_over(
    units: Units, entries: Sequence[ImportEntry[Any]], kind: ImportKind, actor: str
) -> list[LineVerdict]:
    """Merges one batch into the known data."""
    async with units.begin() as unit:
        return await IMPORTERS[kind](unit, entries, actor)


async def _stores(unit: Unit, entries: Sequence[ImportEntry[Store]], _: str) -> list[LineVerdict]:
    known = await unit.stores.stores.lock([entry.value.store for entry in entries])
    before = dict(known)
    channels = await unit.inventory.sales_channels.list_policies()

    def merged(so_far: Store | None, entry: ImportEntry[Store]) -> Store:
        for channel in entry.value.channels or ():
            if channel not in channels:
                raise UnknownChannel(channel, {"pointer": "/channels"})
        return _merged(so_far, entry)

    verdicts, changed = _revise(entries, known, lambda store: store.store, merged)
    if changed:
        await unit.stores.stores.upsert(changed)
        otherwise = [
            one.store
            for one in changed
            if one.store in before and one.channels != before[one.store].channels
        ]
        if otherwise:
            await unit.inventory.stock_levels.republish_channel(stores=otherwise)
    return verdicts


async def _products(
    unit: Unit, entries: Sequence[ImportEntry[Product]], _: str
) -> list[LineVerdict]:
    skus = {sku for entry in entries for sku in (entry.value.sku, *entry.value.parts)}
    known = await unit.catalogue.products.lock(skus)
    before = dict(known)

    def merged(so_far: Product | None, entry: ImportEntry[Product]) -> Product:
        product = apply_update(so_far, entry.value, entry.given)
        if product != so_far:
            ensure_valid_parts(product, known)
        return product

    verdicts, changed = _revise(entries, known, lambda product: product.sku, merged)
    if changed:
        await unit.catalogue.products.upsert(changed)
        told = (
            republished(before[product.sku], product)
            for product in changed
            if product.sku in before
        )
        if otherwise := set().union(*told):
            await unit.inventory.stock_levels.republish(otherwise)
    return verdicts


async def _customers(
    unit: Unit, entries: Sequence[ImportEntry[ReportedPerson]], _: str
) -> list[LineVerdict]:
    known = await unit.customers.customers.lock([entry.value.external_id for entry in entries])

    def merged(before: Customer | None, entry: ImportEntry[ReportedPerson]) -> Customer:
        told = {name: getattr(entry.value, name) for name in Person.__struct_fields__}
        if before is None:
            return Customer(id=CustomerId(unit.new_id("cus")), **told)
        return structs.replace(before, **{name: told[name] for name in told.keys() & entry.given})

    fresh = [entry.value for entry in entries if entry.value.external_id not in known]
    verdicts, changed = _revise(entries, known, lambda person: person.external_id, merged)
    if changed:
        await unit.customers.customers.upsert(changed)
        await unit.customers.customers.enrol_members(
            [person.external_id for person in fresh if person.member]
        )
    return verdicts


async def _deliveries(
    unit: Unit, entries: Sequence[ImportEntry[ExpectedDeliveryLine]], actor: str
) -> list[LineVerdict]:
    known = await unit.inventory.deliveries.get_reported_for_update(
        {entry.value.id for entry in entries}
    )
    stores = await unit.stores.stores.get_many({entry.value.store for entry in entries})
    skus = await unit.catalogue.products.filter_known({entry.value.sku for entry in entries})
    heads: dict[str, tuple[Any, ...]] = {}

    def merged(before: Delivery | None, entry: ImportEntry[ExpectedDeliveryLine]) -> Delivery:
        line = entry.value
        if line.store not in stores:
            raise StoreNotFound(line.store)
        _must_be_known(line.sku, skus)
        head = line.store, line.due_on, line.reference
        if heads.setdefault(line.id, head) != head:
            raise InvalidField("id", "contradiction", f"{line.id} differs from an earlier line")
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
        return delivery.apply_expected_line(line, reference=reference)

    verdicts, changed = _revise(entries, known, lambda line: line.id, merged)
    if changed:
        await unit.inventory.deliveries.upsert(
            {one.external_id: one for one in changed if one.external_id}
        )
    return verdicts


async def _stock(
    unit: Unit, entries: Sequence[ImportEntry[StockCount]], actor: str
) -> list[LineVerdict]:
    stores = await unit.stores.stores.get_many({entry.value.store for entry in entries})
    skus = await unit.catalogue.products.filter_known({entry.value.sku for entry in entries})
    levels = await unit.inventory.stock_levels.get_for_update(
        {
            entry.value.stock_key
            for entry in entries
            if entry.value.store in stores and entry.value.sku in skus
        },
        shelve=True,
    )
    before = await unit.inventory.stock_levels.get_reported(levels)

    def merged(last: Report | None, entry: ImportEntry[StockCount]) -> Report:
        count = entry.value
        if count.store not in stores:
            raise StoreNotFound(count.store)
        _must_be_known(count.sku, skus)
        as_of = clamp_to_past("counted_at", count.counted_at, unit.now)
        if last is not None and last.covers_line(count):
            return last
        return Report(as_of, count)

    verdicts, changed = _revise(entries, before, lambda count: count.stock_key, merged)
    await _recount(
        unit,
        changed,
        levels,
        PostingSource(MovementReason.COUNT, unit.new_id("imp"), actor, unit.now),
    )
    return verdicts


async def _recount(
    unit: Unit,
    told: Sequence[Report],
    levels: Mapping[StockKey, StockLevel],
    source: PostingSource,
) -> None:
    """Sets each stock level to its counted units, with later moves applied again."""
    latest = {each.line.stock_key: each for each in told if each.line}
    since = await unit.inventory.stock_levels.sum_since(
        {(place, each.as_of) for place, each in latest.items()}
    )
    await unit.inventory.stock_levels.apply(
        [
            StockPosting(
                apply_count(each.line, levels[place], since.get((place, each.as_of), 0)),
                structs.replace(source, occurred_at=each.as_of),
            )
            for place, each in latest.items()
            if each.line
        ]
    )
    await unit.inventory.stock_levels.save_reported(latest)
    by_hand = [place for place, told in latest.items() if told.line and _sets_safety(told.line)]
    if by_hand:
        await unit.inventory.walk_ins.purge(by_hand)


def _sets_safety(line: StockCount) -> bool:
    return line.safety_stock is not None


def _revise(
    entries: Sequence[ImportEntry[T]],
    known: dict[K, V],
    key: Callable[[T], K],
    merge: Callable[[V | None, ImportEntry[T]], V],
) -> tuple[list[LineVerdict], list[V]]:
    """Merges each entry into the known data, in the order of the file; new data is then `known`.

    Returns a verdict for each entry, and the objects that changed.
    """
    verdicts: list[LineVerdict] = []
    changed: dict[K, V] = {}
    for entry in entries:
        name = key(entry.value)
        try:
            after = merge(known.get(name), entry)
        except DomainError as no:
            verdicts.append(RefusedLine.of(entry.line, no))
            continue
        verdicts.append(after != known.get(name))
        if verdicts[-1]:
            known[name] = changed[name] = after
    return verdicts, list(changed.values())


def _merged(before: Store | None, entry: ImportEntry[Store]) -> Store:
    if before is None:
        return entry.value
    given = {name: getattr(entry.value, name) for name in entry.given}
    return structs.replace(before, **given)


def _must_be_known(sku: Sku, known: set[Sku]) -> None:
    if sku not in known:
        raise ProductNotFound(sku)


IMPORTERS: Final[
    Mapping[
        ImportKind, Callable[[Unit, Sequence[ImportEntry[Any]], str], Awaitable[list[LineVerdict]]]
    ]
] = {
    ImportKind.STORES: _stores,
    ImportKind.PRODUCTS: _products,
    ImportKind.STOCK: _stock,
    ImportKind.CUSTOMERS: _customers,
    ImportKind.DELIVERIES: _deliveries,
}

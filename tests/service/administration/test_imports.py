"""Files come in on a real database: every line is accepted, unchanged, or refused with a reason."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest

from adapters.imports import reading
from adapters.imports.reading import ImportFileReader
from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.catalogue.products import ProductState
from domain.inventory.deliveries import Delivery, DeliveryState
from domain.inventory.stock_levels import MovementReason, PostingSource, StockDelta, StockPosting
from domain.kernel.money import Money
from service.administration.imports import (
    ImportKind,
    ImportReport,
    RefusedLine,
    import_file,
    options,
)
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, a_product, a_store

MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        return self.now


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Books:
    """A shop of two stores with a mug and a teapot, into which files come."""

    def __init__(self, database_url: str) -> None:
        self.clock = Clock()
        self.units = PostgresUnits(connect(database_url, pool_size=4), self.clock)

    async def bring_in(self, kind: ImportKind, content: str, **wishes) -> ImportReport:
        batches = ImportFileReader().batches(kind, BytesIO(content.encode()), options(**wishes))
        return await import_file(self.units, batches, kind, actor="test")

    async def counts(self, kind: ImportKind, content: str, **wishes) -> tuple[int, int, int]:
        report = await self.bring_in(kind, content, **wishes)
        return report.accepted, report.unchanged, report.refused

    async def on_hand(self, store: str = HARBOUR, sku: str = MUG) -> int:
        async with self.units.read() as unit:
            levels = await unit.inventory.stock_levels.list_by_skus([sku], [store])
        return levels[store, sku].on_hand

    async def on_hand_anywhere(self) -> dict[tuple[str, str], int]:
        async with self.units.read() as unit:
            levels = await unit.inventory.stock_levels.list_by_skus([MUG, TEAPOT])
        return {place: level.on_hand for place, level in levels.items()}

    async def sell(self, quantity: int, at: datetime) -> None:
        async with self.units.begin() as unit:
            await unit.inventory.stock_levels.get_for_update([(HARBOUR, MUG)], shelve=True)
            sale = PostingSource(MovementReason.HANDOVER, unit.new_id("pku"), "test", at)
            await unit.inventory.stock_levels.apply(
                [StockPosting(StockDelta(HARBOUR, MUG, on_hand=-quantity), sale)]
            )


@pytest.fixture
async def books(database_url: str) -> AsyncIterator[Books]:
    books = Books(database_url)
    async with books.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(HARBOUR), a_store(HILL)])
        await unit.catalogue.products.upsert([a_product(MUG), a_product(TEAPOT)])
    yield books
    await books.units.close()


FILES = {
    ImportKind.STORES: (
        "store,name,hours,latitude,longitude\nA,Quay,Mon: 10-8,59.3,18.1\nB,Lane,,,\n"
    ),
    ImportKind.PRODUCTS: (
        "sku,name,price,currency,options\nLAMP,Lamp,9.90,EUR,size=M\nRUG,Rug,99,EUR,\n"
    ),
    ImportKind.STOCK: "store,sku,on_hand,safety_stock\nharbour,MUG,5,1\nhill,MUG,0,\n",
    ImportKind.CUSTOMERS: "external_id,name,email,locale\n1,Sample 1,s1@example.com,sv\n2,,,\n",
    ImportKind.DELIVERIES: (
        "id,store,sku,quantity,due_on,reference\n"
        "PO-1,harbour,MUG,12,2026-12-01,spring\nPO-1,harbour,TEAPOT,3,2026-12-01,spring\n"
    ),
}


@pytest.mark.parametrize("kind", list(ImportKind))
async def test_the_same_file_once_more_changes_nothing(books: Books, kind: ImportKind):
    first = await books.counts(kind, FILES[kind])
    again = await books.counts(kind, FILES[kind])

    assert first == (2, 0, 0)
    assert again == (0, 2, 0)


@pytest.mark.parametrize("kind", list(ImportKind))
async def test_one_line_that_changed_is_the_only_one_accepted(books: Books, kind: ImportKind):
    await books.bring_in(kind, FILES[kind])
    revised = FILES[kind].replace("Lane", "Hill").replace("Rug", "Carpet")
    revised = revised.replace("hill,MUG,0", "hill,MUG,3").replace("2,,,", "2,Sample 2,,")
    revised = revised.replace("TEAPOT,3", "TEAPOT,4")

    assert await books.counts(kind, revised) == (1, 1, 0)


async def test_what_comes_in_is_what_is_read(books: Books):
    for kind, content in FILES.items():
        await books.bring_in(kind, content)

    async with books.units.read() as unit:
        quay = await unit.stores.stores.get("A")
        lamp = await unit.catalogue.products.get("LAMP")
        level = (await unit.inventory.stock_levels.list_by_skus([MUG], [HARBOUR]))[HARBOUR, MUG]
        person = (await unit.customers.customers.lock(["1"]))["1"]
        is_member = bool(await unit.loyalty.points.get_members([person.id]))
    assert (quay.name, quay.time_zone, quay.hours) == ("Quay", "Europe/Stockholm", "Mo 10:00-20:00")
    assert (lamp.price, lamp.options) == (Money(990, "EUR"), {"size": "M"})
    assert (level.on_hand, level.safety_stock) == (5, 1)
    assert (person.name, person.email, person.locale) == ("Sample 1", "s1@example.com", "sv")
    assert is_member


async def expected(books: Books) -> list[Delivery]:
    async with books.units.read() as unit:
        return list(
            await unit.inventory.deliveries.list_page(
                None, list(DeliveryState), after=None, limit=100
            )
        )


async def awaited(books: Books) -> dict[tuple[str, str], tuple[int, date | None]]:
    async with books.units.read() as unit:
        coming = await unit.inventory.supply.list_incoming([MUG, TEAPOT])
        assert [found for found in await unit.administration.audit.check() if not found.ok] == []
    return {(one.store, one.sku): (one.units, one.due_on) for one in coming}


async def test_lines_of_one_delivery_are_one_delivery(books: Books):
    await books.bring_in(ImportKind.DELIVERIES, FILES[ImportKind.DELIVERIES])
    [delivery] = await expected(books)

    assert (delivery.external_id, delivery.reference, delivery.destination) == (
        "PO-1",
        "spring",
        HARBOUR,
    )
    assert [(line.sku, line.quantity) for line in delivery.lines] == [(MUG, 12), (TEAPOT, 3)]
    assert await awaited(books) == {
        (HARBOUR, MUG): (12, date(2026, 12, 1)),
        (HARBOUR, TEAPOT): (3, date(2026, 12, 1)),
    }
    assert await books.on_hand_anywhere() == {}


async def test_a_later_file_of_deliveries_changes_what_it_names(books: Books):
    await books.bring_in(ImportKind.DELIVERIES, FILES[ImportKind.DELIVERIES])
    later = "id,store,sku,quantity,due_on\nPO-1,harbour,MUG,20,2026-12-08\n"
    counts = await books.counts(ImportKind.DELIVERIES, later)
    [delivery] = await expected(books)

    assert counts == (1, 0, 0)
    assert delivery.reference == "spring", "a column that is not there leaves its field alone"
    assert await awaited(books) == {
        (HARBOUR, MUG): (20, date(2026, 12, 8)),
        (HARBOUR, TEAPOT): (3, date(2026, 12, 8)),
    }


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PO-1,hill,MUG,12,2026-12-01,", "contradiction"),
        ("PO-2,harbour,MUG,0,2026-12-01,", "invalid"),
        ("PO-2,harbour,MUG,1,soon,", "unreadable"),
        ("PO-2,harbour,MUG,1,,", "required"),
        ("PO-2,nowhere,MUG,1,2026-12-01,", "unknown_store"),
        ("PO-2,harbour,GHOST,1,2026-12-01,", "unknown_sku"),
        ("PO/2,harbour,MUG,1,2026-12-01,", "pattern"),
        ("PO-9,harbour,MUG,1,2026-12-01,\nPO-9,harbour,TEAPOT,1,2026-12-02,", "contradiction"),
    ],
)
async def test_a_delivery_that_cannot_be_is_refused(books: Books, line: str, code: str):
    await books.bring_in(ImportKind.DELIVERIES, FILES[ImportKind.DELIVERIES])
    before = await expected(books)
    report = await books.bring_in(
        ImportKind.DELIVERIES, f"id,store,sku,quantity,due_on,reference\n{line}\n"
    )

    assert [refused.code for refused in report.lines] == [code]
    assert (await expected(books))[0] == before[0]


async def test_a_delivery_that_is_over_takes_no_news(books: Books):
    await books.bring_in(ImportKind.DELIVERIES, FILES[ImportKind.DELIVERIES])
    async with books.units.begin() as unit:
        [delivery] = (await unit.inventory.deliveries.get_reported_for_update(["PO-1"])).values()
        await unit.inventory.deliveries.update(delivery.cancel("test", unit.now))
    again = await books.counts(ImportKind.DELIVERIES, FILES[ImportKind.DELIVERIES])
    news = FILES[ImportKind.DELIVERIES].replace("MUG,12", "MUG,13")
    report = await books.bring_in(ImportKind.DELIVERIES, news)

    assert again == (0, 2, 0)
    assert [refused.code for refused in report.lines] == ["delivery_closed"]
    assert await awaited(books) == {}


async def test_two_who_bring_in_one_file_of_deliveries_make_one_of_each(books: Books):
    content = FILES[ImportKind.DELIVERIES]
    counts = await asyncio.gather(*(books.counts(ImportKind.DELIVERIES, content) for _ in range(4)))

    assert sorted(counts) == [(0, 2, 0), (0, 2, 0), (0, 2, 0), (2, 0, 0)]
    assert len(await expected(books)) == 1


async def test_a_column_that_is_not_there_leaves_its_field_alone(books: Books):
    await books.bring_in(ImportKind.PRODUCTS, FILES[ImportKind.PRODUCTS])

    await books.bring_in(ImportKind.PRODUCTS, "sku,name,price,currency\nLAMP,Lamp,12.00,EUR\n")

    async with books.units.read() as unit:
        lamp = await unit.catalogue.products.get("LAMP")
    assert (lamp.price, lamp.options) == (Money(1200, "EUR"), {"size": "M"})


async def test_skus_that_differ_only_in_case_are_two_things(books: Books):
    counts = await books.counts(
        ImportKind.PRODUCTS,
        "sku,name,price,currency\n85123A,Heart,1,GBP\n85123a,Star,1,GBP\n",
        distinct="sku",
    )

    assert counts == (2, 0, 0)


async def test_of_folded_lines_one_is_accepted_and_every_line_is_counted(books: Books):
    sales = (
        "sku,name,price,currency\nLAMP,Lamp,1,EUR\nLAMP,Lamp,2,EUR\nLAMP,,2,EUR\nRUG,Rug,3,EUR\n"
    )

    first = await books.counts(ImportKind.PRODUCTS, sales, distinct="sku")
    again = await books.counts(ImportKind.PRODUCTS, sales, distinct="sku")

    assert first == (2, 1, 1)
    assert again == (0, 3, 1)


async def test_a_retired_sku_refuses_another_thing_and_stays_what_it_was(books: Books):
    retired = a_product("LAMP", state=ProductState.RETIRED)
    async with books.units.begin() as unit:
        await unit.catalogue.products.upsert([retired])

    report = await books.bring_in(
        ImportKind.PRODUCTS,
        "sku,name,price,currency,state\nLAMP,Radio,5,SEK,active\nRUG,Rug,5,SEK,active\n",
    )

    assert [(line.line, line.code) for line in report.lines] == [(2, "sku_retired")]
    assert (report.accepted, report.refused) == (1, 1)
    async with books.units.read() as unit:
        assert await unit.catalogue.products.get("LAMP") == retired


async def test_a_kit_comes_in_after_its_parts_or_beside_them(books: Books):
    report = await books.bring_in(
        ImportKind.PRODUCTS,
        "sku,name,price,currency,parts\nSET,Set,5,SEK,MUG=2; LAMP=1\n"
        "LAMP,Lamp,5,SEK,\nTEA,Tea,5,SEK,MUG=2; LAMP=1\nGIFT,Gift,9,SEK,TEA=1\n",
    )

    assert [(line.line, line.code) for line in report.lines] == [
        (2, "unknown_sku"),
        (5, "kit_in_kit"),
    ]
    async with books.units.read() as unit:
        assert (await unit.catalogue.products.get("TEA")).parts == {"LAMP": 1, "MUG": 2}


async def test_stock_of_what_nobody_knows_is_refused(books: Books):
    report = await books.bring_in(
        ImportKind.STOCK,
        "store,sku,on_hand,counted_at\nharbour,MUG,5,\nmoon,MUG,5,\nharbour,LAMP,5,\n"
        "harbour,TEAPOT,-1,\nharbour,TEAPOT,2,2030-01-01\nhill,TEAPOT,1.5,\n",
    )

    assert sorted((line.line, line.code) for line in report.lines) == [
        (3, "unknown_store"),
        (4, "unknown_sku"),
        (5, "invalid"),
        (6, "in_the_future"),
        (7, "unreadable"),
    ]
    assert report.accepted == 1


async def test_movements_after_a_count_are_applied_again(books: Books):
    await books.bring_in(ImportKind.STOCK, "store,sku,on_hand\nharbour,MUG,10\n")
    await books.sell(3, at=MORNING + HOUR)
    await books.sell(2, at=MORNING + 3 * HOUR)
    books.clock.now = MORNING + 4 * HOUR

    await books.bring_in(
        ImportKind.STOCK,
        f"store,sku,on_hand,counted_at\nharbour,MUG,20,{(MORNING + 2 * HOUR).isoformat()}\n",
    )

    assert await books.on_hand() == 18


async def test_what_was_sold_at_the_very_moment_of_a_count_was_counted(books: Books):
    counted = MORNING + HOUR
    await books.sell(2, at=counted)
    await books.sell(1, at=counted + timedelta(microseconds=1))
    books.clock.now = MORNING + 2 * HOUR

    await books.bring_in(
        ImportKind.STOCK,
        f"store,sku,on_hand,counted_at\nharbour,MUG,20,{counted.isoformat()}\n",
    )

    assert await books.on_hand() == 19


async def test_an_older_count_than_the_last_changes_nothing(books: Books):
    later, earlier = (MORNING - HOUR).isoformat(), (MORNING - 2 * HOUR).isoformat()
    content = "store,sku,on_hand,counted_at\nharbour,MUG,{},{}\n"
    await books.bring_in(ImportKind.STOCK, content.format(7, later))

    counts = await books.counts(ImportKind.STOCK, content.format(99, earlier))

    assert counts == (0, 1, 0)
    assert await books.on_hand() == 7


async def test_of_several_counts_of_one_shelf_the_latest_stands(books: Books):
    moments = [(MORNING - hours * HOUR).isoformat() for hours in (3, 1, 2)]
    lines = [f"harbour,MUG,{9 - hour},{moment}" for hour, moment in enumerate(moments)]
    content = "\n".join(["store,sku,on_hand,counted_at", *lines, ""])

    first = await books.counts(ImportKind.STOCK, content)
    again = await books.counts(ImportKind.STOCK, content)

    assert (first, again) == ((2, 1, 0), (0, 3, 0))
    assert await books.on_hand() == 8


async def test_a_line_that_was_imported_before_does_not_undo_what_was_sold_since(books: Books):
    content = "store,sku,on_hand\nharbour,MUG,10\n"
    await books.bring_in(ImportKind.STOCK, content)
    await books.sell(4, at=MORNING + HOUR)
    books.clock.now = MORNING + 2 * HOUR

    assert await books.counts(ImportKind.STOCK, content) == (0, 1, 0)
    assert await books.on_hand() == 6


async def test_the_ledger_explains_every_count(books: Books):
    for on_hand in (10, 4, 25):
        content = f"store,sku,on_hand\nharbour,MUG,{on_hand}\n"
        await books.bring_in(ImportKind.STOCK, content)

    async with books.units.read() as unit:
        moved = await unit.inventory.stock_levels.sum_since({((HARBOUR, MUG), LONG_AGO)})
    assert moved == {((HARBOUR, MUG), LONG_AGO): 25}


async def test_a_customer_who_is_known_keeps_the_id(books: Books):
    await books.bring_in(ImportKind.CUSTOMERS, "external_id,name\n1,Sample 1\n")
    async with books.units.read() as unit:
        _, before = await unit.customers.customers.get_by_external_id([], ["1"])

    await books.bring_in(ImportKind.CUSTOMERS, "external_id,name\n1.0,Sample One\n")

    async with books.units.read() as unit:
        person = (await unit.customers.customers.lock(["1"]))["1"]
    assert (person.id, person.name) == (before["1"], "Sample One")


async def test_who_does_not_want_to_be_a_member_is_none(books: Books):
    await books.bring_in(ImportKind.CUSTOMERS, "external_id,member\n1,no\n2,yes\n")

    async with books.units.read() as unit:
        found = await unit.customers.customers.lock(["1", "2"])
        members = await unit.loyalty.points.get_members([one.id for one in found.values()])
    assert list(members) == [found["2"].id]


async def test_a_file_does_not_make_a_member_of_who_is_known_and_is_none(books: Books):
    await books.bring_in(ImportKind.CUSTOMERS, "external_id,name,member\n1,Sample 1,no\n")
    await books.bring_in(ImportKind.CUSTOMERS, "external_id,name,member\n1,Sample One,yes\n")

    async with books.units.read() as unit:
        person = (await unit.customers.customers.lock(["1"]))["1"]
        assert person.name == "Sample One"
        assert not await unit.loyalty.points.get_members([person.id])


async def test_only_the_first_thousand_refused_lines_are_told_and_all_are_counted(books: Books):
    report = await books.bring_in(ImportKind.CUSTOMERS, "external_id,name\n" + ",nobody\n" * 1500)

    assert report.refused == 1500
    assert report.lines == [
        RefusedLine(line, "required", "external_id is empty.") for line in range(2, 1002)
    ]


async def test_batches_are_units_of_their_own(books: Books, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_SIZE", 2)
    seen: list[int] = []
    content = "external_id\n" + "".join(f"{number}\n" for number in range(5))
    batches = ImportFileReader().batches(ImportKind.CUSTOMERS, BytesIO(content.encode()), options())

    report = await import_file(
        books.units,
        batches,
        ImportKind.CUSTOMERS,
        actor="test",
        watch=lambda report: seen.append(report.lines_read),
    )

    assert (report.accepted, seen) == (5, [2, 4, 5])


@pytest.mark.parametrize("kind", list(ImportKind))
async def test_two_who_bring_in_one_file_at_once_do_not_block_each_other(
    books: Books, monkeypatch, kind: ImportKind
):
    monkeypatch.setattr(reading, "BATCH_SIZE", 40)
    head, *_ = FILES[kind].split("\n")
    skus = [f"S{number}" for number in range(200)]
    async with books.units.begin() as unit:
        if kind is ImportKind.STOCK:
            await unit.catalogue.products.upsert([a_product(sku) for sku in skus])
    line = {
        ImportKind.STORES: "{},Quay,,,",
        ImportKind.PRODUCTS: "{},Lamp,9.90,EUR,",
        ImportKind.STOCK: "harbour,{},5,1",
        ImportKind.CUSTOMERS: "{},Sample,,",
        ImportKind.DELIVERIES: "{},harbour,MUG,1,2026-12-01,",
    }[kind]
    lines = [line.format(sku) for sku in skus]
    forth, back = "\n".join([head, *lines]), "\n".join([head, *reversed(lines)])

    reports = await asyncio.gather(books.bring_in(kind, forth), books.bring_in(kind, back))
    again = await books.counts(kind, forth)

    assert [report.refused for report in reports] == [0, 0]
    assert sum(report.accepted for report in reports) >= 200
    assert again == (0, 200, 0)

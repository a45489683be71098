"""The ledger of points on a real database: once a source, one after the other, never rewritten."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

import adapters.postgres.loyalty.repositories.points
from adapters.postgres.db.statements import Statement
from adapters.postgres.db.unit_of_work import PostgresUnit
from adapters.postgres.db.urls import for_asyncpg
from adapters.postgres.loyalty.repositories.points import PostgresPoints
from adapters.postgres.loyalty.repositories.rewards import PostgresRewards
from domain.loyalty.points import EntryKind, LoyaltyProgramme, PointsBalance
from domain.loyalty.rewards import ExpiringPoints, NotMember
from tests.support.points import promise

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FRIEND, STRANGER = "cus_friend", "cus_stranger"
MEMBER = "mem_friend"
AT_ONCE = LoyaltyProgramme()
LATER = LoyaltyProgramme(activation_days=14)
BASKET = {"MUG": 10, "TEAPOT": 5}


@pytest.fixture
async def database(database_url):
    connection = await asyncpg.connect(for_asyncpg(database_url))
    await connection.execute(
        """
        insert into customers (id, external_id, created_at, changed_at)
        values ('cus_friend', '1', now(), now()), ('cus_stranger', '2', now(), now());
        insert into loyalty_members (id, customer, joined_at)
        values ('mem_friend', 'cus_friend', now());
        """
    )
    yield connection
    await connection.close()


def points(database, programme: LoyaltyProgramme = AT_ONCE, now: datetime = NOW) -> Any:
    return PostgresPoints(database, now, PostgresUnit.new_id, programme)


def rewards(database, now: datetime = NOW, zone: str = "UTC") -> Any:
    return PostgresRewards(database, now, LoyaltyProgramme(zone=zone))


async def balance(database) -> Any:
    return (await rewards(database).get(MEMBER)).balance


async def rows(database) -> tuple[int, int]:
    query = "select (select count(*) from points_entries), (select count(*) from points_postings)"
    return tuple(await database.fetchrow(query))


async def owe(database, debt: int) -> None:
    """A debt, told by the ledger: 10 points were spent and their purchase then cancelled."""
    await promise(points(database), FRIEND, "ord_spent", {"VASE": debt})
    await points(database).confirm("ord_spent", {"VASE": debt}, "spent:1")
    await database.execute("update points_lots set remaining = 0 where purchase = 'ord_spent'")
    await database.execute("update loyalty_members set available = 0")
    await points(database).reverse("ord_spent", {"VASE": debt}, "spent:2")


async def test_points_are_pending_until_the_goods_are_handed_over(database):
    await promise(points(database), FRIEND, "ord_1", BASKET)
    placed = await balance(database)
    await points(database).confirm("ord_1", {"MUG": 4}, "handover:1")

    assert placed == PointsBalance(pending=15)
    assert await balance(database) == PointsBalance(pending=11, available=4)


async def test_each_source_counts_once(database):
    for _ in range(3):
        await promise(points(database), FRIEND, "ord_1", BASKET)
        await points(database).confirm("ord_1", {"MUG": 4}, "handover:1")
        await points(database).reverse("ord_1", {"MUG": 6, "TEAPOT": 5}, "cancellation:1")

    assert await balance(database) == PointsBalance(available=4)
    assert await rows(database) == (3, 4 + 2 + 4)


async def test_twenty_deliveries_of_one_handover_give_its_points_once(database, database_url):
    await promise(points(database), FRIEND, "ord_1", BASKET)
    pool = await asyncpg.create_pool(for_asyncpg(database_url), min_size=10, max_size=10)

    async def deliver() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await points(connection).confirm("ord_1", {"MUG": 4}, "handover:1")

    await asyncio.gather(*(deliver() for _ in range(20)))
    await pool.close()

    assert await balance(database) == PointsBalance(pending=11, available=4)


async def test_twenty_handovers_at_once_give_no_more_than_was_promised(database, database_url):
    await promise(points(database), FRIEND, "ord_1", {"MUG": 10})
    pool = await asyncpg.create_pool(for_asyncpg(database_url), min_size=10, max_size=10)

    async def deliver(number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await points(connection).confirm("ord_1", {"MUG": 1}, f"handover:{number}")

    await asyncio.gather(*(deliver(number) for number in range(20)))
    await pool.close()

    assert await balance(database) == PointsBalance(available=10)


async def two_handovers_at_once(database, database_url) -> None:
    """Both ask for all ten points; the second asks while the first has not committed."""
    await promise(points(database), FRIEND, "ord_1", {"MUG": 10})
    second = await asyncpg.connect(for_asyncpg(database_url))
    try:
        async with database.transaction():
            await points(database).confirm("ord_1", {"MUG": 10}, "handover:1")
            waiting = asyncio.create_task(
                points(second).confirm("ord_1", {"MUG": 10}, "handover:2")
            )
            await asyncio.sleep(0.2)
            assert not waiting.done()
        await waiting
    finally:
        await second.close()


async def test_a_second_handover_waits_and_finds_nothing_left(database, database_url):
    await two_handovers_at_once(database, database_url)

    assert await balance(database) == PointsBalance(available=10)


async def test_without_the_members_lock_the_second_handover_would_go_wrong(
    database, database_url, monkeypatch
):
    locking = adapters.postgres.loyalty.repositories.points.LOCK_BUYER
    unlocked = Statement(locking.text.replace("for no key update", ""))
    monkeypatch.setattr(adapters.postgres.loyalty.repositories.points, "LOCK_BUYER", unlocked)

    with pytest.raises(asyncpg.CheckViolationError, match="members_pending"):
        await two_handovers_at_once(database, database_url)


async def test_who_is_not_a_member_earns_nothing(database):
    await promise(points(database), STRANGER, "ord_1", BASKET)
    await points(database).confirm("ord_1", BASKET, "handover:1")
    await points(database).reverse("ord_1", BASKET, "cancellation:1")

    assert await rows(database) == (0, 0)
    with pytest.raises(NotMember):
        await rewards(database).get_by_customer(STRANGER)


async def test_a_closed_membership_earns_nothing(database):
    await database.execute("update loyalty_members set status = 'closed'")

    await promise(points(database), FRIEND, "ord_1", BASKET)

    assert not await points(database).get_members([FRIEND])
    assert await rows(database) == (0, 0)


async def test_an_order_that_earns_nothing_posts_nothing(database):
    await promise(points(database), FRIEND, "ord_1", {"MUG": 0})

    assert await rows(database) == (0, 0)


async def test_with_activation_days_points_are_available_only_when_their_day_has_come(database):
    later = points(database, LATER)
    await promise(later, FRIEND, "ord_1", BASKET)
    await later.confirm("ord_1", {"MUG": 4}, "handover:1")
    eve = points(database, LATER, NOW + timedelta(days=14, seconds=-1))
    day = points(database, LATER, NOW + timedelta(days=14))

    assert await eve.activate(100) == 0
    assert await balance(database) == PointsBalance(pending=15)
    assert [await day.activate(100), await day.activate(100)] == [1, 0]
    assert await balance(database) == PointsBalance(pending=11, available=4)


async def test_two_who_activate_at_once_do_it_once(database, database_url):
    later = points(database, LATER)
    await promise(later, FRIEND, "ord_1", BASKET)
    for number in range(4):
        await later.confirm("ord_1", {"MUG": 1}, f"handover:{number}")
    pool = await asyncpg.create_pool(for_asyncpg(database_url), min_size=5, max_size=5)

    async def activate() -> Any:
        async with pool.acquire() as connection, connection.transaction():
            return await points(connection, LATER, NOW + timedelta(days=15)).activate(100)

    activated = await asyncio.gather(*(activate() for _ in range(5)))
    await pool.close()

    assert sum(activated) == 4
    assert await balance(database) == PointsBalance(pending=11, available=4)


async def test_a_cancelled_order_takes_its_pending_points_back(database):
    await promise(points(database), FRIEND, "ord_1", BASKET)
    await points(database).reverse("ord_1", BASKET, "cancellation:1")

    assert await balance(database) == PointsBalance()


async def test_what_was_spent_already_becomes_a_debt_that_new_points_repay(database):
    await owe(database, 100)
    indebted = await balance(database)
    await promise(points(database), FRIEND, "ord_2", {"MUG": 70})
    await points(database).confirm("ord_2", {"MUG": 70}, "handover:2")
    less = await balance(database)
    await promise(points(database), FRIEND, "ord_3", {"MUG": 70})
    await points(database).confirm("ord_3", {"MUG": 70}, "handover:3")

    assert (indebted.debt, indebted.available) == (100, 0)
    assert (less.debt, less.available) == (30, 0)
    assert await balance(database) == PointsBalance(available=40)


async def test_what_a_line_spent_is_taken_from_other_orders_before_it_becomes_a_debt(database):
    await promise(points(database), FRIEND, "ord_1", BASKET)
    await points(database).confirm("ord_1", {"MUG": 10}, "handover:1")
    await promise(points(database), FRIEND, "ord_2", {"MUG": 8})
    await points(database).confirm("ord_2", {"MUG": 8}, "handover:2")
    spent = "update points_lots set remaining = 0 where purchase = 'ord_1' and origin is not null"
    await database.execute(f"{spent}; update loyalty_members set available = 8")

    await points(database).reverse("ord_1", {"MUG": 10}, "return:1")

    assert await balance(database) == PointsBalance(pending=5, debt=2)


async def test_points_activated_later_repay_a_debt_too(database):
    await owe(database, 5)
    later = points(database, LATER)
    await promise(later, FRIEND, "ord_2", {"MUG": 4, "TEAPOT": 4})
    await later.confirm("ord_2", {"MUG": 4, "TEAPOT": 4}, "handover:2")

    await points(database, LATER, NOW + timedelta(days=14)).activate(100)

    assert await balance(database) == PointsBalance(available=3)


async def test_a_member_reads_what_happened_latest_first_and_page_by_page(database):
    await promise(points(database), FRIEND, "ord_1", BASKET)
    await points(database).confirm("ord_1", {"MUG": 4}, "handover:1")
    await points(database).reverse("ord_1", {"MUG": 6}, "cancellation:1")

    first = await rewards(database).list_entries(MEMBER, after=None, limit=2)
    second = await rewards(database).list_entries(MEMBER, after=first[-1].id, limit=2)

    assert [(entry.kind, entry.change) for entry in [*first, *second]] == [
        (EntryKind.REVERSED, PointsBalance(pending=-6)),
        (EntryKind.CONFIRMED, PointsBalance(pending=-4, available=4)),
        (EntryKind.PROMISED, PointsBalance(pending=15)),
    ]
    assert {entry.purchase for entry in first} == {"ord_1"}


async def test_points_expire_through_the_last_day_in_the_zone_of_the_programme(database):
    await promise(points(database), FRIEND, "ord_1", BASKET)
    await points(database).confirm("ord_1", BASKET, "handover:1")
    midnight_in_copenhagen = datetime(2026, 12, 31, 23, tzinfo=UTC)
    await database.execute(
        "update points_lots set expires_at = $1 where remaining > 0", midnight_in_copenhagen
    )

    before = await rewards(database, zone="Europe/Copenhagen").get(MEMBER)
    after = await rewards(database, midnight_in_copenhagen, "Europe/Copenhagen").get(MEMBER)

    assert before.expiring == [ExpiringPoints(15, date(2026, 12, 31))]
    assert after.expiring == []


@pytest.mark.parametrize(
    "rewriting",
    [
        "update points_entries set kind = 'confirmed'",
        "delete from points_entries",
        "update points_postings set points = 1000",
        "delete from points_postings where false",
        "truncate points_postings",
        "update stock_movements set on_hand = 1",
        "delete from repairs",
    ],
)
async def test_what_a_ledger_says_is_never_rewritten(database, rewriting):
    await promise(points(database), FRIEND, "ord_1", BASKET)

    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await database.execute(rewriting)


async def test_the_database_refuses_an_entry_that_does_not_balance(database):
    await promise(points(database), FRIEND, "ord_1", BASKET)

    with pytest.raises(asyncpg.CheckViolationError, match="must balance"):
        await database.execute(
            """
            insert into points_postings (entry, position, account, side, points)
            select id, 10, 'available', 'credit', 1000000 from points_entries
            """
        )

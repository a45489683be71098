import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import pytest

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.foundation.events import Event, OrderPlaced
from domain.kernel.ids import OrderId
from service.administration.reactions import process_events, reactions
from service.shared.unit_of_work import Unit
from tests.support.examples import NOON


@pytest.fixture
async def units(database_url: str) -> AsyncIterator[Any]:
    units = PostgresUnits(connect(database_url))
    yield units
    await units.close()


def an_event(number: int = 1) -> OrderPlaced:
    return OrderPlaced(order=OrderId(f"ord_{number}"), at=NOON)


async def happen(units: Any, *events: Event) -> None:
    async with units.begin() as unit:
        await unit.administration.outbox.add(*events)


async def left(units: Any) -> list[tuple[str, int]]:
    """Of each event that is left: its trouble and its attempts."""
    async with units.read() as unit:
        rows = await unit.connection.fetch(
            "select last_error, attempts from outbox_events order by id"
        )
    return [tuple(row) for row in rows]


async def test_every_event_has_an_entry_even_an_empty_one():
    assert reactions(thank_after=NOON - NOON).keys() == set(get_args(Event))


async def test_an_event_is_followed_once_by_two_workers(units: Any):
    followed: list[OrderId] = []

    async def follow(_: Unit, event: OrderPlaced) -> None:
        await asyncio.sleep(0)
        followed.append(event.order)

    await happen(units, *(an_event(number) for number in range(30)))
    await asyncio.gather(*(process_events(units, {OrderPlaced: (follow,)}) for _ in range(4)))

    assert sorted(followed) == sorted(f"ord_{number}" for number in range(30))
    assert await left(units) == []


async def test_an_event_that_cannot_be_followed_holds_up_nobody_and_comes_again(
    units: Any,
):
    followed: list[OrderId] = []

    async def stumble(unit: Any, event: OrderPlaced) -> None:
        await unit.connection.execute("insert into job_runs values ('half', now(), 'test')")
        if event.order == "ord_1":
            raise ValueError("poison")
        followed.append(event.order)

    await happen(units, an_event(1), an_event(2))
    await process_events(units, {OrderPlaced: (stumble,)})

    assert followed == ["ord_2"]
    assert await left(units) == [("ValueError", 1)]
    async with units.begin() as unit:
        assert await unit.connection.fetchval("select count(*) from job_runs") == 1
        await unit.connection.execute("update outbox_events set due_at = now()")
    await process_events(units, {OrderPlaced: ()})
    assert await left(units) == []


async def test_an_event_that_is_leased_is_nobody_elses_until_the_lease_ends(units: Any):
    await happen(units, an_event())
    async with units.begin() as unit:
        mine = await unit.administration.outbox.lease(10, NOON.resolution * 60_000_000)
        theirs = await unit.administration.outbox.lease(10, NOON.resolution * 60_000_000)

    assert (len(mine), len(theirs)) == (1, 0)


async def test_each_time_an_event_is_tried_it_is_left_alone_twice_as_long(units: Any):
    await happen(units, an_event())
    spans = []
    for _ in range(4):
        async with units.begin() as unit:
            await unit.connection.execute("update outbox_events set due_at = $1", unit.now)
            await unit.administration.outbox.lease(1, timedelta(seconds=10))
            due_at = await unit.connection.fetchval("select due_at from outbox_events")
            spans.append((due_at - unit.now).total_seconds())

    assert spans == [10, 20, 40, 80]


async def test_an_event_is_not_taken_by_who_let_its_lease_end(units: Any):
    await happen(units, an_event())
    async with units.begin() as unit:
        [late] = await unit.administration.outbox.lease(1, timedelta(0))
    async with units.begin() as unit:
        [mine] = await unit.administration.outbox.lease(1, timedelta(seconds=10))

    async with units.begin() as unit:
        assert not await unit.administration.outbox.remove(late)
        assert await unit.administration.outbox.remove(mine)


async def test_an_event_of_a_transaction_that_is_undone_never_happened(units: Any):
    async def undo() -> None:
        async with units.begin() as unit:
            await unit.administration.outbox.add(an_event())
            raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        await undo()

    assert await left(units) == []

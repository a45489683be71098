"""Time passes in every process, and what is due happens once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.postgres.administration.invariants import INVARIANTS
from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.scheduler.scheduler import Job, Scheduler, run_slot
from adapters.scheduler.steps import (
    build_jobs,
    purge_access_denials,
    purge_idempotency_keys,
    run_audit,
)
from adapters.webhooks.sender import HttpWebhookSender
from domain.follow_ups.messages import MessageState
from domain.foundation.callers import Caller, Role
from service.foundation.ports import IdempotencyKey
from service.shared.unit_of_work import Units
from tests.support.examples import shelve
from tests.support.messages import waiting
from tests.support.shop import Shop, a_shop

QUICK = timedelta(milliseconds=20)
Forget = Callable[[Units], Awaitable[int]]


async def until(true, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.02)


async def test_three_processes_do_what_is_due_once_in_each_slot(database_url: str):
    nodes = [PostgresUnits(connect(database_url, pool_size=2)) for _ in range(3)]
    done: list[datetime] = []

    async def work() -> int:
        done.append(datetime.now(UTC))
        return 0

    every = timedelta(seconds=0.5)
    step = Job("count", every, work, once_per_interval=True)
    stopping = [asyncio.Event() for _ in nodes]
    async with asyncio.TaskGroup() as group:
        for node, stop in zip(nodes, stopping, strict=True):
            group.create_task(run_for(2, Scheduler(node, [step], stop)))
    for node in nodes:
        await node.close()

    slots = Counter(run_slot(at, every) for at in done)
    assert len(slots) >= 3
    assert sum(slots.values()) <= 5  # two seconds touch at most five slots


async def test_what_is_due_is_done_soon_after_a_start_and_not_again_after_the_next(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("adapters.scheduler.scheduler.FIRST_RUN_DELAY", QUICK)
    units, done = PostgresUnits(connect(database_url, pool_size=2)), []
    every = timedelta(days=36_500)  # no span ends while this runs

    async def work() -> int:
        done.append(datetime.now(UTC))
        return 0

    step = Job("count", every, work, once_per_interval=True)
    async with units.begin() as unit:
        assert await unit.administration.job_runs.claim(
            "count", run_slot(unit.now - every, every), "who was here before"
        )
    for _ in range(3):
        await run_for(0.3, Scheduler(units, [step], asyncio.Event()))
    await units.close()

    assert len(done) == 1


async def run_for(seconds: float, scheduler: Scheduler) -> None:
    async with scheduler:
        await asyncio.sleep(seconds)


async def test_a_step_that_did_something_is_asked_again_at_once(database_url: str):
    units = PostgresUnits(connect(database_url, pool_size=2))
    left, stopping = [5], asyncio.Event()

    async def work() -> int:
        left[0] = max(left[0] - 1, 0)
        return left[0]

    async with Scheduler(units, [Job("work", timedelta(seconds=0.2), work)], stopping):
        await asyncio.sleep(0.3)
    await units.close()

    assert left == [0]


async def test_a_stop_lets_a_step_come_to_its_end(database_url: str):
    units = PostgresUnits(connect(database_url, pool_size=2))
    ended, started = [], asyncio.Event()

    async def work() -> int:
        started.set()
        await asyncio.sleep(0.3)
        ended.append(True)
        return 1

    async with Scheduler(units, [Job("work", QUICK, work)], asyncio.Event()):
        await started.wait()
    await units.close()

    assert ended == [True]


async def test_a_step_that_fails_runs_again_and_stops_no_other(database_url: str):
    units = PostgresUnits(connect(database_url, pool_size=2))
    seen: Counter[str] = Counter()

    async def broken() -> int:
        seen["broken"] += 1
        raise ValueError("a bug")

    async def sound() -> int:
        seen["sound"] += 1
        return 0

    async def often() -> bool:
        return min(seen["broken"], seen["sound"]) > 2

    both = [Job("broken", QUICK, broken), Job("sound", QUICK, sound)]
    async with Scheduler(units, both, asyncio.Event()):
        await until(often)
    await units.close()


async def test_a_step_is_never_run_twice_at_once(database_url: str):
    units = PostgresUnits(connect(database_url, pool_size=2))
    at_once, most = [0], [0]

    async def work() -> int:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        await asyncio.sleep(0.1)
        at_once[0] -= 1
        return 0

    async with Scheduler(units, [Job("work", QUICK, work)], asyncio.Event()):
        await asyncio.sleep(0.35)
    await units.close()

    assert most == [1]


@pytest.mark.parametrize("every", [timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)])
def test_slots_are_the_same_in_every_process(every: timedelta):
    now = datetime(2026, 11, 23, 12, 34, 56, 789, tzinfo=UTC)

    assert run_slot(now, every) <= now < run_slot(now, every) + every
    assert run_slot(run_slot(now, every), every) == run_slot(now, every)


async def test_what_happened_in_the_shop_reaches_the_customer_by_itself(
    database_url: str, tmp_path: Path
):
    async with waiting(database_url, tmp_path) as ready:
        stopping = asyncio.Event()
        ready.clock.now = datetime.now(UTC)

        async def told() -> bool:
            return [one.state for one in await ready.messages()] == [MessageState.SENT]

        post = HttpWebhookSender(clock=lambda: datetime.now(UTC))
        todo = build_jobs(ready.units, ready.desk, post, stopping)
        async with Scheduler(ready.units, todo, stopping):
            await until(told)
        await post.close()

        [letter] = ready.post.sent
        assert ready.desk.codes.handover_code(ready.pickup, 1) in letter.text


async def test_first_answers_are_forgotten_after_a_week_and_not_before(
    database_url: str, tmp_path: Path
):
    async with a_shop(database_url, tmp_path) as shop:
        once = (await shop.office()) | {"Idempotency-Key": "once"}
        person = {"external_id": "e-1", "name": "Sample Customer"}
        first = await shop.client.post("/v1/customers", json=person, headers=once)
        async with shop.units.begin() as unit:
            await unit.foundation.idempotency.purge(unit.now - timedelta(days=7), 100)
        again = await shop.client.post("/v1/customers", json=person, headers=once)
        async with shop.units.begin() as unit:
            await unit.foundation.idempotency.purge(unit.now, 100)
        late = await shop.client.post("/v1/customers", json=person, headers=once)

    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert (late.status_code, late.json()["code"]) == (409, "external_id_taken")


@pytest.mark.parametrize(
    ("forget", "kept"),
    [(purge_idempotency_keys, timedelta(days=7)), (purge_access_denials, timedelta(days=365))],
)
async def test_what_is_too_old_goes_slice_by_slice_until_nothing_is_left(
    database_url: str, monkeypatch: pytest.MonkeyPatch, forget: Forget, kept: timedelta
):
    monkeypatch.setattr("adapters.scheduler.steps.BATCH_SIZE", 3)
    now = datetime.now(UTC)
    await grow_old(database_url, now - kept - timedelta(seconds=1), rows=7)
    await grow_old(database_url, now - kept + timedelta(minutes=5), rows=2)
    units = PostgresUnits(connect(database_url))
    gone = [await forget(units) for _ in range(4)]
    await units.close()

    assert gone == [3, 3, 1, 0]


async def grow_old(database_url: str, then: datetime, *, rows: int) -> None:
    """Requests and trespasses of that moment."""
    units = PostgresUnits(connect(database_url), clock=lambda: then)
    async with units.begin() as unit:
        for row in range(rows):
            key = IdempotencyKey(f"{then}", f"{row}", b"")
            assert await unit.foundation.idempotency.claim(key, str) is None
            await unit.foundation.access_denials.add(
                Caller(Role.SHOP, "key_sample"), "get_cart", "crt_sample"
            )
    await units.close()


async def test_what_an_audit_found_is_kept_and_told_and_left_as_it_is(
    database_url: str, tmp_path: Path
):
    async with a_shop(database_url, tmp_path) as shop:
        await shelve(shop.units, mug=5, teapot=5)
        await tell(shop, "update stock_levels set on_hand = 7")
        await tell(shop, "insert into audits values ('a_rule_of_old', now(), 9, 9)")
        with capture_logs() as logs:
            did = await run_audit(shop.units)
            await tell(shop, "update stock_levels set on_hand = 5 where sku = 'MUG'")
            await run_audit(shop.units)
        async with shop.units.read() as unit:
            kept = {one.name: one for one in await unit.administration.audit.get_last_report()}
            left = await unit.connection.fetchval("select max(on_hand) from stock_levels")

    assert did == 0  # or it would be asked again at once
    assert list(kept) == sorted(INVARIANTS)
    assert len({one.at for one in kept.values()}) == 1
    assert {one.name: (one.checked, one.broken) for one in kept.values() if one.broken} == {
        "on_hand_is_what_was_moved": (2, 1)
    }
    assert [(line["log_level"], line["invariants"]) for line in logs] == [
        ("warning", {"on_hand_is_what_was_moved": 2}),
        ("warning", {"on_hand_is_what_was_moved": 1}),
    ]
    assert left == 7


async def test_an_audit_that_cannot_finish_one_keeps_the_others_and_says_so(
    database_url: str, tmp_path: Path
):
    async with a_shop(database_url, tmp_path, audit_timeout_seconds=1) as shop:
        async with shop.units.begin() as unit:
            await unit.connection.execute("lock table messages")
            with capture_logs() as logs:
                await run_audit(shop.units)
        async with shop.units.read() as unit:
            kept = await unit.administration.audit.get_last_report()
        await run_audit(shop.units)
        async with shop.units.read() as unit:
            kept_next = await unit.administration.audit.get_last_report()

    assert len(kept) == len(INVARIANTS)
    assert [one.name for one in kept if one.unfinished] == ["messages_are_sent_once"]
    assert [one for one in kept_next if one.unfinished] == []
    assert [(line["event"], line["invariants"]) for line in logs] == [
        ("audit unfinished", ["messages_are_sent_once"])
    ]


async def test_a_shop_that_is_well_is_audited_without_a_word(database_url: str, tmp_path: Path):
    async with a_shop(database_url, tmp_path) as shop:
        await shelve(shop.units, mug=5)
        with capture_logs() as logs:
            await run_audit(shop.units)

    assert logs == []


async def tell(shop: Shop, statement: str) -> None:
    async with shop.units.read() as unit:
        await unit.connection.execute(statement)


async def test_every_hour_one_process_audits(database_url: str, tmp_path: Path):
    async with waiting(database_url, tmp_path) as ready:
        post = HttpWebhookSender(clock=lambda: datetime.now(UTC))
        todo = build_jobs(ready.units, ready.desk, post, asyncio.Event())
        await post.close()
        [step] = [step for step in todo if step.name == "audit"]
        await step.run()
        async with ready.units.read() as unit:
            kept = await unit.administration.audit.get_last_report()

    assert (step.interval, step.once_per_interval) == (timedelta(hours=1), True)
    assert len(kept) == len(INVARIANTS)

"""Figures of several workers are one sum, whichever of them is asked; so is the last audit."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.main import Components, build_app, build_components
from adapters.scheduler.steps import run_audit
from adapters.settings import ProcessRole, Secret, Settings
from tests.support.api.unavailable_database import NOWHERE
from tests.support.examples import shelve
from tests.support.shop import SECRET, Shop

PROGRAM = """
import multiprocessing, os, signal, sys
from datetime import UTC, datetime
from adapters.http.web.metrics import MULTIPROC_DIR_VARIABLE, Metrics, StoredMetrics
from domain.administration.audit import AuditedInvariant

os.environ[MULTIPROC_DIR_VARIABLE] = sys.argv[1]

def work():
    metrics = Metrics()
    metrics.in_progress.inc()
    metrics.observe_response({"method": "GET", "path_template": "/v1/stores/{store}"}, 200, 0.01)
    metrics.observe_response({"method": "BREW", "path_template": None}, 405, 0.01)
    os.kill(os.getpid(), signal.SIGKILL)

workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
audited = AuditedInvariant("every_entry_balances", datetime(2026, 11, 23, tzinfo=UTC), 70, 2, True)
print(Metrics().render(StoredMetrics([audited])).decode())
"""


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    """What a worker answers for itself and three that were killed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return done.stdout.splitlines()


def test_three_workers_are_added_up_and_the_killed_are_not_under_way(lines: list[str]):
    assert (
        'hylla_http_requests_total{method="GET",route="/v1/stores/{store}",status="200"} 3.0'
        in lines
    )
    assert 'hylla_http_requests_total{method="other",route="unknown",status="405"} 3.0' in lines
    assert [line for line in lines if line.startswith("hylla_http_requests_in_progress ")] in (
        [],
        ["hylla_http_requests_in_progress 0.0"],
    )


def test_several_workers_tell_of_one_audit(lines: list[str]):
    assert [line for line in lines if line.startswith("hylla_audit")] == [
        'hylla_audit_checked{invariant="every_entry_balances"} 70.0',
        'hylla_audit_broken{invariant="every_entry_balances"} 2.0',
        'hylla_audit_unfinished{invariant="every_entry_balances"} 1.0',
        "hylla_audit_timestamp_seconds 1.795392e+09",
    ]


async def metrics(house: Components) -> tuple[int, dict[str, float]]:
    """The status, and every sample, as a worker of this house answers."""
    app: Any = build_app(house)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answer = await client.get("/metrics")
    samples = [line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#"]
    return answer.status_code, {name: float(value) for name, value in samples}


def of_the_audit(samples: dict[str, float]) -> set[str]:
    return {name for name in samples if name.startswith("hylla_audit")}


async def test_whichever_worker_is_asked_tells_what_the_last_audit_found(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    async with shop.units.read() as unit:
        await unit.connection.execute("update stock_levels set on_hand = 7")
    before = datetime.now(UTC).timestamp()
    await run_audit(shop.units)
    other = build_components(shop.house.settings)
    (status, told), (_, told_by_other) = await metrics(shop.house), await metrics(other)
    await other.close()

    assert status == 200
    assert told['hylla_audit_checked{invariant="on_hand_is_what_was_moved"}'] == 2
    assert told['hylla_audit_broken{invariant="on_hand_is_what_was_moved"}'] == 2
    assert told['hylla_audit_broken{invariant="every_entry_balances"}'] == 0
    assert told['hylla_audit_unfinished{invariant="every_entry_balances"}'] == 0
    assert before - 1 < told["hylla_audit_timestamp_seconds"] < before + 60
    assert {name: told_by_other[name] for name in of_the_audit(told)} == {
        name: told[name] for name in of_the_audit(told)
    }


async def test_before_the_first_audit_there_is_nothing_to_tell_of_it(shop: Shop):
    status, told = await metrics(shop.house)

    assert (status, of_the_audit(told)) == (200, set())
    assert "hylla_http_requests_in_progress" in told


async def test_figures_are_told_while_the_database_is_away(tmp_path: Path):
    house = build_components(
        Settings(
            data=tmp_path, database_url=Secret(NOWHERE), secret=Secret(SECRET), role=ProcessRole.API
        )
    )
    status, told = await metrics(house)
    await house.close()

    assert (status, of_the_audit(told)) == (200, set())
    assert "hylla_http_requests_in_progress" in told


async def test_figures_are_told_while_the_database_has_no_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("adapters.http.web.metrics.QUERY_TIMEOUT_SECONDS", 0.1)
    await run_audit(shop.units)
    async with shop.units.begin() as unit:
        await unit.connection.execute("lock table audits")
        async with asyncio.timeout(4):  # a lock is waited for longer than that
            status, told = await metrics(shop.house)

    assert (status, of_the_audit(told)) == (200, set())

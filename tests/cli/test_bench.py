"""The measurement works and says what it measured; how fast it was is not a test's business."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.bench.data import execute
from adapters.bench.figures import Measure, Sample
from adapters.bench.measuring import measure, to_result
from adapters.bench.rig import BenchEnvironment
from adapters.bench.rows import BENCHMARK_ROWS
from adapters.bench.scales import SCALES
from adapters.postgres.db.migrate import upgrade
from adapters.settings import Secret, Settings
from tests.support.processes import hylla

HOLDS = next(row for row in BENCHMARK_ROWS if row.number == 3)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load, and is not installed")
def test_holds_are_measured_beside_their_yardstick_and_the_shop_is_audited(tmp_path: Path):
    words = ("bench", "--rows", "3", "--scale", "tiny", "--seconds", "1", "--folder", tmp_path)
    done = hylla(*words, "--json")

    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert (report["scale"], report["seconds"]) == ("tiny", 1)
    [row] = report["rows"]
    assert (row["row"], row["unit"], row["goal"]) == (3, "holds/s", 1.0)
    assert (row["counts"], row["faults"], row["broken"]) == (True, 0, [])
    assert len(row["runs"]) == 3
    for ours, yardstick in row["runs"]:
        assert ours["value"] > 0
        assert yardstick["value"] > 0
        assert 0 < ours["p50_ms"] <= ours["p99_ms"]
        assert 0 < yardstick["p50_ms"] <= yardstick["p99_ms"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_machine_without_wrk_is_told_how_to_get_it(tmp_path: Path):
    done = hylla("bench", PATH=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert "apt-get install wrk" in done.stderr


def test_a_row_that_there_is_not_is_named():
    done = hylla("bench", "--rows", "3,99", PATH=os.environ["PATH"])

    assert done.returncode == 2
    assert "there is no row 99" in done.stderr


def test_the_ratio_is_that_of_the_runs_in_turn():
    runs = [(Sample(value), Sample(value * 2)) for value in (10.0, 1000.0, 20.0)]

    result = to_result(HOLDS, runs, broken=[])

    assert (result.figure, result.yardstick, result.ratio) == (20.0, 40.0, 0.5)
    assert (result.met, result.counts) == (False, True)


@pytest.mark.parametrize(("faults", "broken"), [(1, []), (0, ["held_is_what_carts_hold"])])
def test_a_run_that_broke_something_does_not_count(faults: int, broken: list[str]):
    runs = [(Sample(10.0, faults=faults), Sample(1.0))]

    assert not to_result(HOLDS, runs, broken).counts


def test_each_shop_that_was_measured_is_audited(database_url: str, empty_database_url: str):
    upgrade(empty_database_url)
    vast = replace(HOLDS, measure=nothing_much, needs_large_shop=True)
    usual, other = a_rig_at(database_url), a_rig_at(empty_database_url)
    sound = measure(vast, [usual, other], lambda _: None)
    asyncio.run(execute(other.database_url, "insert into stores (store) values ('harbour')"))
    asyncio.run(
        execute(
            other.database_url,
            "insert into stock_levels (store, sku, held) values ('harbour', 'A', 1)",
        )
    )
    broken = measure(vast, [usual, other], lambda _: None)

    assert (sound.counts, sound.broken) == (True, [])
    assert (broken.counts, broken.broken) == (False, ["held_is_what_carts_hold"])


@contextmanager
def nothing_much(*_: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    yield lambda _: Sample(1.0), lambda _: Sample(1.0)


def a_rig_at(url: str) -> BenchEnvironment:
    return BenchEnvironment(Settings(database_url=Secret(url)), SCALES["tiny"], 1, 0, {}, {})

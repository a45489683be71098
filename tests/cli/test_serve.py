"""A started server: it stops well, it dies well, and the database outlives it."""

import os
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.processes import PATIENCE_S, Service, service, until


def tiny(workers: int = 1, shutdown_timeout_seconds: int = 10, boot_s: float = 0):
    """How the tiny shop is started."""
    script = str(Path(__file__).parents[1] / "support" / "tiny_shop.py")
    return lambda data, port: [
        script,
        *map(str, (data, port, workers, shutdown_timeout_seconds, boot_s)),
    ]


def terminate(shop: Service) -> None:
    shop.process.terminate()


def press_ctrl_c(shop: Service) -> None:
    os.killpg(shop.process.pid, signal.SIGINT)


@pytest.mark.parametrize("stop", [terminate, press_ctrl_c])
def test_a_stop_finishes_the_request_that_is_under_way(tmp_path, stop):
    with (
        service(tmp_path / "data", tiny()) as shop,
        httpx.stream("GET", f"{shop.url}/slow") as answer,
    ):
        stop(shop)
        words = answer.read()
        status = shop.process.wait(PATIENCE_S)

        assert words == b"slow but done"
        assert (status, shop.closed_well()) == (0, 1), shop.said()
        assert not shop.database_runs()


def test_an_open_stream_ends_at_a_stop_and_does_not_hold_it_up(tmp_path):
    with (
        service(tmp_path / "data", tiny()) as shop,
        httpx.stream("GET", f"{shop.url}/stream") as answer,
    ):
        began = time.monotonic()
        shop.process.terminate()
        words = answer.read()
        status = shop.process.wait(PATIENCE_S)
        took = time.monotonic() - began

        assert words.startswith(b"hello\n")
        assert words.endswith(b"good-bye\n")
        assert (status, shop.closed_well()) == (0, 1), shop.said()
        assert took < 5


def test_a_request_that_never_ends_is_given_up(tmp_path):
    with (
        service(tmp_path / "data", tiny(shutdown_timeout_seconds=1)) as shop,
        httpx.stream("GET", f"{shop.url}/stuck") as answer,
    ):
        shop.process.terminate()
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
        shop.process.wait(PATIENCE_S)

        assert shop.closed_well() == 0
        assert not shop.database_runs()


def test_a_stop_while_the_workers_start_is_not_lost(tmp_path):
    shop = Service(tmp_path / "data", tiny(boot_s=20, shutdown_timeout_seconds=60))
    until(lambda: "Spawning worker" in shop.said(), "a worker is started")
    time.sleep(0.5)
    began = time.monotonic()
    shop.process.terminate()
    shop.process.wait(PATIENCE_S)
    shop.output.close()

    assert time.monotonic() - began < 10
    assert not shop.database_runs()


def test_the_database_outlives_a_killed_service_and_the_next_start_joins_it(tmp_path):
    with service(tmp_path / "data", tiny()) as first:
        before = first.postmaster()
        first.kill_everything()
    alive_between = psutil.pid_exists(before)

    with service(tmp_path / "data", tiny()) as second:
        after = second.postmaster()

    assert alive_between
    assert after == before
    assert not second.database_runs()


def test_workers_go_when_the_one_who_started_them_is_killed(tmp_path):
    with service(tmp_path / "data", tiny(workers=2)) as shop:
        workers = psutil.Process(shop.process.pid).children()
        shop.process.kill()
        shop.process.wait()
        gone, alive = psutil.wait_procs(workers, PATIENCE_S)

    assert (len(gone), alive) == (2, [])


def test_a_worker_that_dies_is_replaced(tmp_path):
    with service(tmp_path / "data", tiny()) as shop:
        (worker,) = psutil.Process(shop.process.pid).children()
        worker.kill()
        until(lambda: shop.answers() and httpx.get(shop.url).text != str(worker.pid), "another")


def test_a_shop_that_cannot_open_ends_with_an_error(tmp_path):
    shop = Service(tmp_path / "data", tiny(boot_s=-1))  # nobody can sleep so little
    status = shop.process.wait(PATIENCE_S)
    shop.output.close()

    assert status == 1
    assert not shop.database_runs()


def test_two_workers_share_the_work_and_the_database(tmp_path):
    with service(tmp_path / "data", tiny(workers=2)) as shop:
        answered = {httpx.get(shop.url).text for _ in range(200)}
        shop.process.terminate()
        status = shop.process.wait(PATIENCE_S)

    assert len(answered) == 2
    assert (status, shop.closed_well()) == (0, 2)


def test_what_the_server_says_is_json(tmp_path):
    with service(tmp_path / "data", tiny()) as shop:
        lines = shop.said().splitlines()

    assert lines != []
    assert [line for line in lines if not line.startswith("{")] == []

"""The growth benchmark: the figures with more workers, more products and more stores."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import msgspec

from adapters.bench.figures import Measure
from adapters.bench.generators import wrk
from adapters.bench.rig import (
    BenchEnvironment,
    bench_environment,
    serve_shop,
    temporary_data_folder,
)

SAMPLED_STORES: Final = 50


@contextmanager
def two_workers_availability(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    with serve_shop(rig.settings.data, workers=2) as both:
        yield _availability_load(rig, both.port), _availability_load(rig, rig.port)


@contextmanager
def two_workers_holds(rig: BenchEnvironment) -> Iterator[tuple[Measure, Measure]]:
    with serve_shop(rig.settings.data, workers=2) as both:
        yield _hold_load(rig, both.port), _hold_load(rig, rig.port)


@contextmanager
def large_shop_availability(
    rig: BenchEnvironment, vast: BenchEnvironment
) -> Iterator[tuple[Measure, Measure]]:
    some = min(SAMPLED_STORES, rig.scale.stores)
    yield _availability_load(vast, vast.port, some), _availability_load(rig, rig.port, some)


@contextmanager
def large_shop_holds(
    rig: BenchEnvironment, vast: BenchEnvironment
) -> Iterator[tuple[Measure, Measure]]:
    yield _hold_load(vast, vast.port), _hold_load(rig, rig.port)


def _availability_load(rig: BenchEnvironment, port: int, stores: int = 0) -> Measure:
    ask = ("availability", rig.scale.skus, stores)
    return lambda s: wrk(f"http://127.0.0.1:{port}", s, *ask, headers=rig.page_headers)


def _hold_load(rig: BenchEnvironment, port: int) -> Measure:
    most = (rig.scale.skus, rig.scale.stores)
    address = f"http://127.0.0.1:{port}"
    return lambda s: wrk(address, s, "hold", *most, uuid4().hex, headers=rig.page_headers)


@contextmanager
def large_shop(rig: BenchEnvironment, say: Callable[[str], None]) -> Iterator[BenchEnvironment]:
    """A shop of five times the goods in ten times the stores, on the disk of the other one."""
    more = {"skus": 5 * rig.scale.skus, "stores": 10 * rig.scale.stores, "members": 1}
    scale = msgspec.structs.replace(rig.scale, **more)
    beside = rig.settings.data.parent
    with (
        temporary_data_folder(beside) as data,
        bench_environment(data, scale, rig.seconds, say, alone=True) as vast,
    ):
        yield vast

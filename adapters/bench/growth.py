"""What becomes of the figures when the shop grows: more workers, more goods, more stores."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import msgspec

from adapters.bench.figures import Measure
from adapters.bench.generators import wrk
from adapters.bench.rig import Rig, a_folder, a_rig, shop

SOME_STORES: Final = 50


@contextmanager
def two_workers_asked(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    with shop(rig.settings.data, workers=2) as both:
        yield _asked(rig, both.port), _asked(rig, rig.port)


@contextmanager
def two_workers_holding(rig: Rig) -> Iterator[tuple[Measure, Measure]]:
    with shop(rig.settings.data, workers=2) as both:
        yield _held(rig, both.port), _held(rig, rig.port)


@contextmanager
def asked_in_a_vast_shop(rig: Rig, vast: Rig) -> Iterator[tuple[Measure, Measure]]:
    some = min(SOME_STORES, rig.scale.stores)
    yield _asked(vast, vast.port, some), _asked(rig, rig.port, some)


@contextmanager
def held_in_a_vast_shop(rig: Rig, vast: Rig) -> Iterator[tuple[Measure, Measure]]:
    yield _held(vast, vast.port), _held(rig, rig.port)


def _asked(rig: Rig, port: int, stores: int = 0) -> Measure:
    ask = ("availability", rig.scale.skus, stores)
    return lambda s: wrk(f"http://127.0.0.1:{port}", s, *ask, headers=rig.page)


def _held(rig: Rig, port: int) -> Measure:
    most = (rig.scale.skus, rig.scale.stores)
    address = f"http://127.0.0.1:{port}"
    return lambda s: wrk(address, s, "hold", *most, uuid4().hex, headers=rig.page)


@contextmanager
def a_vast_shop(rig: Rig, say: Callable[[str], None]) -> Iterator[Rig]:
    """A shop of five times the goods in ten times the stores, on the disk of the other one."""
    more = {"skus": 5 * rig.scale.skus, "stores": 10 * rig.scale.stores, "members": 1}
    scale = msgspec.structs.replace(rig.scale, **more)
    beside = rig.settings.data.parent
    with a_folder(beside) as data, a_rig(data, scale, rig.seconds, say, alone=True) as vast:
        yield vast

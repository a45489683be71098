"""Whatever anybody does to stock, in whatever order, whatever breaks: every figure is right.

A machine draws commands of every kind, gives them to the shop and to a plain shop that only sums
up, and compares every figure of every shelf after each. Some commands break off in the middle of
their unit, or after a commit of which nobody hears; they are given once more, as any client would.

`make test` lives through the same days each time. HYLLA_DAYS=2000 is so many others.
"""

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.postgres.db.urls import for_asyncpg
from tests.support.any_stock.faults import Faults, FragileConnections
from tests.support.any_stock.machine import MORNING, Machine
from tests.support.any_stock.supplying import Supplying
from tests.support.database import TEMPLATE, a_database

pytestmark = pytest.mark.timeout(1200)  # a day that fails is made as short as it can be
DAYS = int(os.environ.get("HYLLA_DAYS", "0"))


class AnyDay(Supplying):
    pass


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(
    max_examples=DAYS or 30,
    stateful_step_count=50,
    derandomize=not DAYS,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", autouse=True)
def a_shop_that_may_break(postgres: str) -> Iterator[None]:
    """One database for all days; each begins by emptying it."""
    with asyncio.Runner() as loop:
        for url in a_database(postgres, f"TEMPLATE {TEMPLATE}"):
            Machine.loop, Machine.clock, Machine.faults = loop, [MORNING], Faults(for_asyncpg(url))
            connections = FragileConnections(url, Machine.faults)
            Machine.units = PostgresUnits(connections, lambda: Machine.clock[0])
            yield
            loop.run(connections.close())

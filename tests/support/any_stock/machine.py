"""How commands are given to the shop and to the plain shop, and what is compared after each."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.foundation.callers import Caller, Role
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.ids import CustomerId
from service.foundation.ports import IdempotencyKey
from tests.support.any_stock.faults import Fault, Faults, Stumble
from tests.support.any_stock.plain_shop import PlainShop
from tests.support.any_stock.plain_things import No
from tests.support.examples import (
    ENGRAVING,
    HARBOUR,
    HILL,
    MUG,
    TEA_SET,
    TEAPOT,
    a_customer,
    a_product,
    open_shop,
)

PLATE = "PLATE"
GOODS = (MUG, TEAPOT, PLATE)
STORES = (HARBOUR, HILL)
CHANNELS = ("web", "app")
"""The app is a channel from the moment on at which somebody decides its policy."""
PLACES = [(store, sku) for store in STORES for sku in GOODS]
MORNING = datetime.fromisoformat("2026-11-23T08:00:00+00:00")
ME = CustomerId("cus_sample-1")
FIGURES = ("on_hand", "unavailable", "allocated", "held", "staged", "safety_stock")
EMPTY = """
    set session_replication_role = replica;
    do $$ declare name text; begin
        for name in select tablename from pg_tables
            where schemaname = 'public' and tablename not in (
                'alembic_version', 'sales_channels', 'price_rules'
            )
        loop execute format('delete from %I', name); end loop;
    end $$;
    delete from sales_channels where channel <> 'web';
    update sales_channels set buffer = 0, quantities = null, most = null, low_at = null;
    set session_replication_role = origin;
"""

a_store = st.sampled_from(STORES)
goods = st.sampled_from(GOODS)
anything = st.sampled_from([MUG, TEAPOT, TEA_SET, PLATE, ENGRAVING])
some = st.integers(1, 3)
which = st.one_of(st.just(0), st.just(0), st.integers(0, 7))
"""Rather the latest: what belongs together happens together."""
minutes_ago = st.sampled_from([-2, 0, 1, 10, 90]).map(lambda many: timedelta(minutes=many))
span = st.sampled_from([1, 5, 15, 40, 60]).map(lambda many: timedelta(minutes=many))
NOTHING = (None, 0)
faults = st.one_of(
    st.just(NOTHING),
    st.just(NOTHING),
    st.tuples(st.sampled_from(Fault), st.integers(0, 12)),
)

Command = Callable[[IdempotencyKey], Awaitable[Any]]


class Machine(RuleBasedStateMachine):
    """A day of chance. The clock moves only when somebody waits."""

    loop: ClassVar[asyncio.Runner]
    units: ClassVar[Any]
    faults: ClassVar[Faults]
    clock: ClassVar[list[datetime]]

    office = Caller(Role.OFFICE, "key_office")
    page = Caller(Role.SHOP, "key_page")
    me = Caller(Role.CUSTOMER, ME, customer=ME)

    def __init__(self) -> None:
        super().__init__()
        self.shop = PlainShop(MORNING, STORES, {TEA_SET: {TEAPOT: 1, MUG: 2}}, {ENGRAVING})
        self.keys = 0
        self.clock[0] = MORNING
        self.loop.run(self._open())

    async def _open(self) -> None:
        async with self.units.read() as unit:
            await unit.connection.execute(EMPTY)
        await open_shop(self.units)
        async with self.units.begin() as unit:
            await unit.catalogue.products.upsert([a_product(PLATE)])
            await unit.customers.customers.upsert([a_customer("sample-1")])
            await unit.customers.customers.enrol_members(["sample-1"])

    def give(
        self,
        fault: tuple[Fault | None, int],
        command: Command,
        plainly: Callable[[], Any],
        *,
        answers: Callable[[Any], Any] = lambda _: None,
        keyed: bool = True,
        whole: bool = True,
    ) -> tuple[Any, Any]:
        """What the shop and the plain shop answer to one command; nothing where both refuse.

        A command that broke off is given again, as any client would, and so is some other that did
        not: what is `keyed` then answers the same. `answers` says what of an answer is expected to
        be the plain shop's answer. What is not `whole`, but a row of units, may break off between.
        """
        self.keys += 1
        self.faults.arm(*fault)
        outcome = self.loop.run(self._answer(command))
        struck = self.faults.struck
        self.faults.arm(None, 0)
        if isinstance(outcome, Unavailable | Stumble):
            if struck is not Fault.UNHEARD and whole:
                self.compare()
            outcome = self.loop.run(self._answer(command))
        elif fault[0] and keyed:
            again = self.loop.run(self._answer(command))
            assert _is_same(again, outcome), (again, outcome)
        event(f"{struck or 'nothing'} happens")
        return self._compared(outcome, plainly, answers if keyed or not struck else None)

    def _compared(
        self, outcome: Any, plainly: Callable[[], Any], answers: Callable[[Any], Any] | None
    ) -> tuple[Any, Any]:
        try:
            expected = plainly()
        except No as no:
            expected = no
        if isinstance(expected, No):
            assert isinstance(outcome, DomainError), (outcome, expected)
            assert outcome.error_code == str(expected)
            event(f"refused: {expected}")
            return None, None
        assert not isinstance(outcome, Exception), repr(outcome)
        if answers and (answer := answers(outcome)) is not None:
            assert answer == expected
        return outcome, expected

    async def _answer(self, command: Command) -> Any:
        try:
            return await command(IdempotencyKey("machine", f"key-{self.keys}", b"the same body"))
        except (DomainError, Stumble) as no:
            return no

    @invariant()
    def compare(self) -> None:
        """Every figure of every shelf, as it is written and as it is read."""
        written, sellable, blocked, incoming = self.loop.run(self._figures())
        for place in PLACES:
            level = self.shop.level(place)
            assert written.get(place, (0,) * 6) == tuple(getattr(level, n) for n in FIGURES), place
            assert blocked.get(place, {}) == +self.shop.conditions(place), place
            assert incoming[place] == self.shop.incoming(place), place
            for channel in self.shop.channels:
                there = sellable[channel].get(place, 0)
                assert there == self.shop.sellable(place, channel), (place, channel)

    async def _figures(self) -> Any:
        async with self.units.read() as unit:
            query = f"select store, sku, {', '.join(FIGURES)} from stock_levels"
            written = {tuple(row)[:2]: tuple(row)[2:] for row in await unit.connection.fetch(query)}
            sellable = {}
            for channel in self.shop.channels:
                terms, levels = await unit.inventory.sellable_stock.get_for_channel(channel, GOODS)
                sellable[channel] = {
                    place: level.sellable for place, level in terms.apply_to_all(levels).items()
                }
            blocked = await unit.inventory.stock_levels.get_conditions(GOODS)
            incoming: Counter[Any] = Counter()
            for one in await unit.inventory.supply.list_incoming(GOODS):
                incoming[one.store, one.sku] += one.units
        return written, sellable, blocked, incoming

    @rule(sku=goods, ago=minutes_ago)
    def look_back(self, sku: str, ago: timedelta) -> None:
        at = self.shop.now - abs(ago)

        async def look() -> dict[str, tuple[int, int]]:
            async with self.units.read() as unit:
                past = await unit.inventory.stock_levels.get_as_of(sku, None, at)
            return {one.store: (one.on_hand, one.unavailable) for one in past}

        assert self.loop.run(look()) == self.shop.as_of(sku, at)

    @rule()
    def audit(self) -> None:
        async def audit() -> list[Any]:
            async with self.units.begin() as unit:
                broken = [
                    found for found in await unit.administration.audit.check() if not found.ok
                ]
                return [*broken, *await unit.administration.audit.repair()]

        assert self.loop.run(audit()) == []

    def teardown(self) -> None:
        self.faults.arm(None, 0)
        self.audit()

    @rule(seconds=st.sampled_from([1, 30, 240, 300, 900, 3600]))
    def wait(self, seconds: int) -> None:
        self.clock[0] = self.shop.now = self.shop.now + timedelta(seconds=seconds)


def latest(things: Mapping[str, Any], which: int) -> str:
    """One of them, rather a late one."""
    names = list(things)
    return names[-1 - which % len(names)]


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, DomainError) and isinstance(other, DomainError):
        return one.error_code == other.error_code
    return bool(one == other)

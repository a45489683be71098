"""What comes to the stores, from each other and from suppliers; what they keep for walk-ins."""

from datetime import date, timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from domain.inventory.walk_ins import WalkInPolicy
from domain.kernel.ids import DeliveryId
from service.inventory import consignments, deliveries, transfers, walk_ins
from service.inventory.consignments import DELIVERIES, TRANSFERS
from tests.support.any_stock import plain_keeping as plain
from tests.support.any_stock import plain_working
from tests.support.any_stock.machine import (
    NOTHING,
    PLATE,
    a_store,
    faults,
    goods,
    latest,
    some,
    which,
)
from tests.support.any_stock.plain_things import Consignment
from tests.support.any_stock.working import Working
from tests.support.examples import HARBOUR, HILL, MUG

wanted = st.dictionaries(goods, some, min_size=1, max_size=2)
days = st.sampled_from([-1, 0, 1, 3])


class Supplying(Working):
    @rule(origin=a_store, sent=wanted, fault=faults)
    def send(self, origin: str, sent: dict[str, int], fault: Any) -> None:
        destination = HILL if origin == HARBOUR else HARBOUR
        wish = transfers.TransferDispatch(origin, destination, sent)
        told, transfer = self.give(
            fault,
            lambda key: transfers.send_transfer(self.units, caller=self.office, wish=wish, key=key),
            lambda: plain.send(self.shop, Consignment(origin, destination, sent)),
        )
        if told:
            self.shop.transfers[told.consignment.id] = transfer

    @precondition(lambda self: self.shop.transfers)
    @rule(which=which, total=st.integers(0, 5), last=st.booleans(), fault=faults)
    def receive(self, which: int, total: int, last: bool, fault: Any) -> None:
        name = latest(self.shop.transfers, which)
        transfer = self.shop.transfers[name]
        totals = {sku: total if total == 5 else min(total, n) for sku, n in transfer.sent.items()}
        self.give(
            fault,
            lambda key: consignments.receive_consignment(
                self.units,
                TRANSFERS,
                name,
                caller=self.office,
                totals=totals,
                last=last,
                key=key,
            ),
            lambda: plain.receive(self.shop, transfer, totals, last=last),
        )

    @rule(store=a_store, expected=wanted, due=days, fault=faults)
    def announce(self, store: str, expected: dict[str, int], due: int, fault: Any) -> None:
        due_on = self._day(due)
        news = deliveries.DeliveryAnnouncement(store, expected, due_on)
        told, delivery = self.give(
            fault,
            lambda key: deliveries.announce_delivery(
                self.units, caller=self.office, news=news, key=key
            ),
            lambda: Consignment("", store, expected, due_on),
        )
        self.shop.deliveries[told.id] = delivery

    has_deliveries = precondition(lambda self: self.shop.deliveries)

    @has_deliveries
    @rule(
        which=which, total=st.integers(0, 4), last=st.booleans(), more=st.booleans(), fault=faults
    )
    def unload(self, which: int, total: int, last: bool, more: bool, fault: Any) -> None:
        """So many of each have come so far, now and then of what nobody announced."""
        name = latest(self.shop.deliveries, which)
        delivery = self.shop.deliveries[name]
        totals = dict.fromkeys([*delivery.sent, *([PLATE] if more and last else [])], total)
        self.give(
            fault,
            lambda key: consignments.receive_consignment(
                self.units,
                DELIVERIES,
                name,
                caller=self.office,
                totals=totals,
                last=last,
                key=key,
            ),
            lambda: plain.receive(self.shop, delivery, totals, last=last),
        )
        event("a delivery is closed" if delivery.closed else "a delivery is expected")

    @has_deliveries
    @rule(which=which, due=days, fault=faults)
    def put_off(self, which: int, due: int, fault: Any) -> None:
        name = latest(self.shop.deliveries, which)
        due_on = self._day(due)
        self.give(
            fault,
            lambda key: deliveries.postpone_delivery(
                self.units, delivery=DeliveryId(name), due_on=due_on, due_at=None, key=key
            ),
            lambda: plain.put_off(self.shop.deliveries[name], due_on),
        )

    @has_deliveries
    @rule(which=which, fault=faults)
    def call_off(self, which: int, fault: Any) -> None:
        name = latest(self.shop.deliveries, which)
        self.give(
            fault,
            lambda key: deliveries.cancel_delivery(
                self.units, caller=self.office, delivery=DeliveryId(name), key=key
            ),
            lambda: plain.cancel(self.shop.deliveries[name]),
        )

    def _day(self, after: int) -> date:
        return self.shop.today + timedelta(days=after)

    @rule(
        store=a_store,
        active=st.sampled_from([True, True, True, False]),
        bounds=st.sampled_from([(0, 10), (2, 3), (0, 1)]),
        sold=some,
        weeks=st.sampled_from([0, 1, 1, 2]),
        fault=faults,
    )
    def keep_for_walk_ins(
        self,
        *,
        store: str,
        active: bool,
        bounds: tuple[int, int],
        sold: int,
        weeks: int,
        fault: Any,
    ) -> None:
        """From now on; weeks later the hour begins in which goods were sold today, and ends."""
        name = f"walk-in-{len(self.shop.receipts)}"
        sale = plain_working.Receipt(name, True, self.shop.now, ((MUG, sold, ""),))
        self.tell(store, [sale], NOTHING)
        floor, cap = bounds
        policy = WalkInPolicy(active=active, floor=floor, cap=cap)
        self.give(
            fault,
            lambda key: walk_ins.set_walk_in_policy(self.units, store, policy, key=key),
            lambda: plain.decide(self.shop.stores[store], active=active, floor=floor, cap=cap),
        )
        for seconds in (weeks * 7 * 24 * 3600, 3600):
            self.wait(seconds)
            self.begin_hour(fault=fault)

    @rule(fault=faults)
    def begin_hour(self, fault: Any) -> None:
        async def all_turns(_: Any) -> None:
            while await walk_ins.raise_safety_stock(self.units):
                pass

        self.give(fault, all_turns, lambda: plain.keep_back(self.shop), keyed=False, whole=False)
        if self.shop.raised:
            event("goods are kept back for walk-ins")

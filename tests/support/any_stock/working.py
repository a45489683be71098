"""What stores do: prepare pickups and hand them over, sell at their tills, take back."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from adapters.secrets.codes import DerivedCodes
from adapters.settings import Secret
from domain.foundation.callers import Caller, Role
from domain.fulfilment.fulfilments import PickedQuantities
from domain.pos.receipts import Receipt, ReceiptKind, ReceiptLine
from domain.returns.dispositions import Disposition
from service.fulfilment import expire_pickups as expiring
from service.fulfilment import hand_over_pickup as handing_over
from service.fulfilment import pickups as working
from service.orders.apply_transition import ScannedItem
from service.pos import record_receipts as sales
from tests.support.any_stock import plain_working as plain
from tests.support.any_stock.keeping import Keeping
from tests.support.any_stock.machine import (
    ME,
    NOTHING,
    PLACES,
    PLATE,
    a_store,
    anything,
    faults,
    latest,
    minutes_ago,
    some,
    which,
)
from tests.support.any_stock.selling import Selling
from tests.support.any_stock.shopping import Shopping
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT

CODES = DerivedCodes(Secret("the secret of a test, long enough for anybody"))
VERBS = ("accept", "decline", "pick", "ready", "hand_over", "cancel", "put_back")
NEXT = {
    "placed": "accept",
    "accepted": "pick",
    "picking": "ready",
    "ready": "hand_over",
    "declined": "put_back",
    "short": "put_back",
    "expired": "put_back",
    "cancelled": "put_back",
}
HOW = {
    "all": ("accept", "pick", "ready", "hand_over"),
    "in parts": ("accept", "pick part", "pick", "ready", "hand_over one", "hand_over"),
    "short": ("accept", "pick short", "ready", "hand_over", "put_back"),
    "given up": ("accept", "pick", "cancel", "put_back"),
    "declined": ("accept", "pick part", "decline", "put_back"),
    "not found": ("decline short",),
    "one declined": ("decline one", "accept", "pick", "ready", "hand_over"),
    "nobody comes": ("pick", "ready", "nobody_comes", "put_back"),
}
"""How pickups go: which verb comes when, and with how much of it."""
some_lines = st.lists(st.tuples(anything, a_store, st.integers(1, 2)), min_size=1, max_size=2)
sold = st.lists(
    st.tuples(
        st.sampled_from([MUG, TEAPOT, TEA_SET, PLATE, "GHOST"]), some, st.sampled_from(Disposition)
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda line: line[0],
)


class Working(Keeping, Selling, Shopping):
    @initialize(
        counts=st.tuples(*[st.sampled_from([12, 20, 4])] * len(PLACES)),
        ordered=st.lists(some_lines, min_size=1, max_size=2),
        way=st.sampled_from(["all", *HOW]),
        fault=faults,
    )
    def open_shop(self, counts: tuple[int, ...], ordered: Any, way: str, fault: Any) -> None:
        """With full shelves, and with what was ordered in the night; the last of it is served."""
        self.fill_shelves(counts)
        *waiting, last = ordered
        for lines in waiting:
            self.buy(lines=lines, mine=False, kept=False, fault=NOTHING)
        self.serve(lines=last, mine=False, kept=False, way=way, ready=False, closes="", fault=fault)

    has_pickups = precondition(lambda self: self.shop.pickups)

    @has_pickups
    @rule(
        which=which,
        verb=st.one_of(st.sampled_from(VERBS), st.integers(1, 5)),
        found=st.sampled_from(["all", "all", "short", "part"]),
        whole=st.booleans(),
        fault=faults,
    )
    def work(self, which: int, verb: str | int, found: str, whole: bool, fault: Any) -> None:
        """One verb, or so many of those that come next."""
        name = latest(self.shop.pickups, which)
        pickup = self.shop.pickups[name]
        if isinstance(verb, str):
            self._do(verb, name, found, whole=whole, fault=fault)
            return
        for _ in range(verb):
            self._do(NEXT.get(pickup.state, "accept"), name, found, whole=whole, fault=fault)

    @rule(
        lines=some_lines,
        mine=st.booleans(),
        kept=st.sampled_from([True, True, False]),
        way=st.sampled_from(["all", *HOW]),
        ready=st.sampled_from([True, True, False]),
        closes=st.sampled_from(["", "held", "picked", "picked"]),
        fault=faults,
    )
    def serve(
        self, *, lines: Any, mine: bool, kept: bool, way: str, ready: bool, closes: str, fault: Any
    ) -> None:
        """An order from its cart to its end; its store may close meanwhile."""
        before = set(self.shop.pickups)
        if ready:
            self._get_ready_for(lines)
        self.fill_cart(lines, mine=mine, kept=kept, fault=fault)
        if closes == "held":  # that may be ordered all the same
            self.close(store=lines[0][1], how="drain", fault=fault)
        self.check_out(which=0, fault=fault)
        for name in [name for name in self.shop.pickups if name not in before]:
            for step in HOW[way][:-1]:
                self._take(step, name, fault)
            if closes == "picked":  # what lies in its bin has to be put back first
                self.close(store=self.shop.pickups[name].store, how="drain", fault=fault)
            self._take(HOW[way][-1], name, fault)

    def _get_ready_for(self, lines: Any) -> None:
        for store in dict.fromkeys(store for _, store, _ in lines):
            self.close(store=store, how="open", fault=NOTHING)
            for sku in (MUG, TEAPOT):
                self.count(store=store, sku=sku, counted=12, ago=timedelta(), fault=NOTHING)

    @has_pickups
    @rule(which=which, way=st.sampled_from(list(HOW)), fault=faults)
    def go_on(self, which: int, way: str, fault: Any) -> None:
        """With a pickup as if it had just been placed; what was done before is refused."""
        name = latest(self.shop.pickups, which)
        for step in HOW[way]:
            self._take(step, name, fault)

    def _take(self, step: str, name: str, fault: Any) -> None:
        verb, _, how = step.partition(" ")
        if verb == "nobody_comes":
            self.nobody_comes(fault=fault)
            return
        found = how if how in {"part", "short"} else "all"
        self._do(verb, name, found, whole=how != "one", fault=fault)

    def _do(self, verb: str, name: str, found: str, *, whole: bool, fault: Any) -> None:
        pickup = self.shop.pickups[name]
        skus = list(pickup.lines) if whole else list(pickup.lines)[:1]
        count = {sku: _found(pickup.lines[sku], found) for sku in skus}
        scanned = [ScannedItem(PickedQuantities(*one), sku) for sku, one in count.items()]
        given = None if whole else {skus[0]: 1}
        reason = "not_found" if found == "short" else "damaged"
        step: Mapping[str, tuple[Callable[..., Awaitable[Any]], Callable[[], Any]]] = {
            "accept": (working.accept_pickup, lambda: plain.accept(pickup)),
            "decline": (
                partial(working.decline_pickup, reason=reason, lines=None if whole else skus),
                lambda: plain.decline(self.shop, pickup, skus, not_found=reason == "not_found"),
            ),
            "pick": (
                partial(working.pick_pickup, scanned=scanned),
                lambda: plain.pick(self.shop, pickup, count),
            ),
            "ready": (
                partial(working.mark_pickup_ready, codes=CODES, bin="A3"),
                lambda: plain.ready(pickup),
            ),
            "hand_over": (
                partial(
                    handing_over.hand_over_pickup,
                    codes=CODES,
                    handover=handing_over.Handover(units=given, proof="passport"),
                ),
                lambda: plain.hand_over(self.shop, pickup, given),
            ),
            "cancel": (
                partial(working.cancel_pickup, reason="changed_mind"),
                lambda: plain.cancel(pickup),
            ),
            "put_back": (working.put_back_pickup, lambda: plain.put_back(pickup)),
        }
        command, plainly = step[verb]
        seen, _ = self.give(
            fault,
            lambda key: command(units=self.units, caller=self.office, pickup=name, key=key),
            plainly,
        )
        if seen:
            event(f"{verb} succeeds")
            event(f"a pickup is {pickup.state}")
            if any(line.missing for line in pickup.lines.values()):
                event("units of a pickup are not found")
            assert seen.pickup.state == pickup.state
            pickup.collect_by = seen.pickup.collect_by

    @precondition(lambda self: any(one.state == "ready" for one in self.shop.pickups.values()))
    @rule(fault=faults)
    def nobody_comes(self, fault: Any) -> None:
        self.wait(6 * 24 * 3600)
        self.give(
            fault,
            lambda _: expiring.expire_pickups(self.units),
            lambda: plain.expire(self.shop),
            keyed=False,
        )
        self.loop.run(expiring.expire_pickups(self.units))

    @rule(
        store=a_store,
        name=st.integers(1, 9),
        is_sale=st.booleans(),
        ago=st.one_of(minutes_ago, st.just(timedelta(minutes=-30))),
        lines=sold,
        member=st.booleans(),
        fault=faults,
    )
    def sell(
        self,
        *,
        store: str,
        name: int,
        is_sale: bool,
        ago: timedelta,
        lines: Any,
        member: bool,
        fault: Any,
    ) -> None:
        said = [(sku, quantity, "" if is_sale else what.value) for sku, quantity, what in lines]
        self.tell(
            store,
            [plain.Receipt(f"r-{name}", is_sale, self.shop.now - ago, tuple(said), member)],
            fault,
        )

    @precondition(lambda self: len(self.shop.receipts) > 1)
    @rule(which=which, elsewhere=st.booleans(), fault=faults)
    def sell_again(self, which: int, elsewhere: bool, fault: Any) -> None:
        """A till repeats itself, in another order; or two stores use one number."""
        store, receipt = self.shop.receipts[latest(self.shop.receipts, which)]
        mine = [one for at, one in self.shop.receipts.values() if at == store]
        other = HILL if store == HARBOUR else HARBOUR
        self.tell(other if elsewhere else store, [receipt, *mine[:2], receipt], fault)

    def tell(self, store: str, said: list[plain.Receipt], fault: Any) -> None:
        till = Caller(Role.TILL, "key_till", stores=frozenset({store}), terminal="T1")
        receipts = [_receipt(one) for one in said]
        self.give(
            fault,
            lambda _: sales.record_receipts(
                self.units, caller=till, store=store, receipts=receipts
            ),
            lambda: plain.till(self.shop, store, said, ME),
            answers=lambda results: [_became(one) for one in results],
            keyed=False,
        )


def _found(line: Any, how: str) -> tuple[int, bool]:
    wanted = line.quantity - line.cancelled
    return {
        "all": (wanted, False),
        "short": (max(line.picked, wanted - 1), True),
        "part": (max(0, wanted - 1), False),
    }[how]


def _receipt(said: plain.Receipt) -> Receipt:
    return Receipt(
        id=said.id,
        kind=ReceiptKind.SALE if said.is_sale else ReceiptKind.RETURN,
        occurred_at=said.happened,
        lines=tuple(
            ReceiptLine(quantity=n, sku=sku, disposition=Disposition(what) if what else None)
            for sku, n, what in said.lines
        ),
        member="sample-1" if said.member else None,
        of=None if said.is_sale else "r-1" if said.id != "r-1" else None,
    )


def _became(result: Any) -> str:
    if result.status in {"applied", "pending_match"}:
        return "new"
    became: str = result.code if result.status == "rejected" else result.status
    return became

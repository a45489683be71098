"""What shoppers do: hold, pay, fill carts, log in, order."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from domain.carts.cart_lines import FulfilmentMethod
from domain.inventory.holds import HoldLine
from domain.kernel.ids import CartId
from domain.orders.orders import Contact
from domain.payments.tenders import Payment
from service.carts import cart_lines as changing
from service.carts import create_cart as opening
from service.carts import merge_cart as claiming
from service.inventory import holds
from service.orders.checkout import build_order as drafting
from service.orders.checkout.build_order import CheckoutCommand
from tests.support.any_stock import plain_buying as plain
from tests.support.any_stock.machine import (
    CHANNELS,
    ME,
    NOTHING,
    Machine,
    a_store,
    anything,
    faults,
    goods,
    latest,
    some,
    span,
    which,
)
from tests.support.any_stock.plain_things import LIMIT, Cart
from tests.support.place_cart import place_cart

CHECKOUT = drafting.Checkout(Contact("Sample", "sample@example.com"), Payment("pay_at_pickup"))
quantities = st.sampled_from([0, 1, 2, 4])
attempts = st.sampled_from(["pay-1", "pay-2"])


class Shopping(Machine):
    @rule(
        lines=st.lists(st.tuples(anything, a_store, some), min_size=1, max_size=2),
        ttl=span,
        mine=st.booleans(),
        channel=st.sampled_from(["web", *CHANNELS]),
        fault=faults,
    )
    def hold(
        self, *, lines: Any, ttl: timedelta, mine: bool, channel: str = "web", fault: Any
    ) -> None:
        caller = self.me if mine else self.page
        wanted = [HoldLine(*line) for line in lines]

        async def held(key: Any) -> Any:
            wish = holds.HoldRequest(wanted, caller, key, ttl, channel=channel)
            [answer] = await holds.create_holds(self.units, [wish], limit=LIMIT)
            if isinstance(answer, Exception):
                raise answer
            return answer

        made, hold = self.give(
            fault, held, lambda: plain.held(self.shop, lines, ttl, caller.customer, channel)
        )
        if made:
            self.shop.holds[made.id] = hold

    @rule(
        store=a_store,
        sku=goods,
        channel=st.sampled_from(["web", *CHANNELS]),
        more=st.sampled_from([0, 0, 1]),
        fault=faults,
    )
    def hold_all(self, *, store: str, sku: str, channel: str, more: int, fault: Any) -> None:
        """That may be sold, or one more; and again at the instant at which its time is over."""
        if channel in self.shop.channels and sku not in self.shop.untracked:
            count = self.shop.sellable((store, sku), channel) + more
            five = timedelta(minutes=5)
            for _ in range(2 if count else 0):
                self.hold(
                    lines=[(sku, store, count)], ttl=five, mine=False, channel=channel, fault=fault
                )
                self.wait(300)

    def _a_hold(self, which: int) -> Any:
        name = latest(self.shop.holds, which)
        hold = self.shop.holds[name]
        return name, hold, self.me if hold.customer else self.page

    @precondition(lambda self: self.shop.holds)
    @rule(which=which, ttl=span, fault=faults)
    def extend(self, which: int, ttl: timedelta, fault: Any) -> None:
        name, hold, caller = self._a_hold(which)
        self.give(
            fault,
            lambda key: holds.extend_hold(self.units, caller=caller, hold=name, ttl=ttl, key=key),
            lambda: plain.extend(self.shop, hold, ttl),
        )

    @precondition(lambda self: self.shop.holds)
    @rule(which=which, fault=faults)
    def release(self, which: int, fault: Any) -> None:
        name, hold, caller = self._a_hold(which)
        self.give(
            fault,
            lambda _: holds.release_hold(self.units, caller=caller, hold=name),
            lambda: plain.release(self.shop, hold),
        )

    @precondition(lambda self: self.shop.holds)
    @rule(which=which, attempt=attempts, ttl=span, fault=faults)
    def pin(self, which: int, attempt: str, ttl: timedelta, fault: Any) -> None:
        name, hold, _ = self._a_hold(which)
        self.give(
            fault,
            lambda _: holds.pin_hold(self.units, hold=name, attempt=attempt, ttl=ttl),
            lambda: plain.pin(self.shop, hold, attempt, ttl),
        )

    @precondition(lambda self: self.shop.holds)
    @rule(which=which, attempt=attempts, fault=faults)
    def unpin(self, which: int, attempt: str, fault: Any) -> None:
        name, hold, _ = self._a_hold(which)
        self.give(
            fault,
            lambda _: holds.unpin_hold(self.units, hold=name, attempt=attempt),
            lambda: plain.unpin(self.shop, hold, attempt),
        )

    @rule(
        line=st.tuples(anything, a_store, some),
        mine=st.booleans(),
        ttl=span,
        wait=st.sampled_from([0, 300, 1800]),
        meanwhile=st.sampled_from(["release", "extend", "pin", "nothing"]),
        fault=faults,
    )
    def pay(
        self, *, line: Any, mine: bool, ttl: timedelta, wait: int, meanwhile: str, fault: Any
    ) -> None:
        """For something that is held, and do something else meanwhile."""
        self.hold(lines=[line], ttl=timedelta(minutes=5), mine=mine, fault=NOTHING)
        if not self.shop.holds:
            return
        self.pin(which=0, attempt="pay-1", ttl=ttl, fault=fault)
        self.wait(wait)
        if meanwhile == "release":
            self.release(which=0, fault=fault)
        elif meanwhile == "extend":
            self.extend(which=0, ttl=ttl, fault=fault)
        elif meanwhile == "pin":
            self.pin(which=0, attempt="pay-2", ttl=ttl, fault=fault)
        self.sweep(fault=fault)

    @rule(fault=faults)
    def sweep(self, fault: Any) -> None:
        self.give(
            fault,
            lambda _: holds.expire_holds(self.units),
            lambda: plain.sweep(self.shop),
            answers=lambda swept: swept,
            keyed=False,
        )

    @rule(mine=st.booleans(), fault=faults)
    def start_cart(self, mine: bool, fault: Any) -> None:
        caller = self.me if mine else self.page
        found, _ = self.give(
            fault,
            lambda key: opening.create_cart(self.units, caller=caller, currency="SEK", key=key),
            lambda: None,
            keyed=False,
        )
        before = self._my_cart()
        if mine and before:
            assert found.id == before
        else:
            self.shop.carts[found.id] = Cart(caller.customer)

    def _my_cart(self) -> str | None:
        mine = [
            name for name, cart in self.shop.carts.items() if cart.customer == ME and cart.is_open
        ]
        return mine[0] if mine else None

    def _a_cart(self, which: int) -> Any:
        """One that is open, rather a late one, and who may open it."""
        name = latest({n: cart for n, cart in self.shop.carts.items() if cart.is_open}, which)
        cart = self.shop.carts[name]
        return name, cart, self.me if cart.customer else replace(self.page, cart=name)

    has_carts = precondition(lambda self: any(cart.is_open for cart in self.shop.carts.values()))

    @has_carts
    @rule(
        which=which,
        sku=anything,
        store=a_store,
        quantity=quantities,
        fault=faults,
    )
    def put(self, which: int, sku: str, store: str, quantity: int, fault: Any) -> None:
        name, cart, caller = self._a_cart(which)

        async def put(key: Any) -> Any:
            change = changing.CartChange(key)
            if not quantity:
                return await changing.delete_cart_line(
                    self.units, caller=caller, cart=name, sku=sku, change=change
                )
            wish = changing.PutLine(sku, quantity, FulfilmentMethod("pickup", store))
            return await changing.put_cart_line(
                self.units, caller=caller, cart=name, wish=wish, change=change
            )

        self.give(fault, put, lambda: plain.put(self.shop, cart, sku, store, quantity))

    @has_carts
    @rule(which=which, fault=faults)
    def hold_cart(self, which: int, fault: Any) -> None:
        name, cart, caller = self._a_cart(which)
        view, hold = self.give(
            fault,
            lambda key: changing.hold_cart(
                self.units, caller=caller, cart=name, locale="", limit=LIMIT, key=key
            ),
            lambda: plain.hold_cart(self.shop, cart),
        )
        if hold:
            cart.hold = self.loop.run(self._hold_of(view.id))
            self.shop.holds[cart.hold] = hold

    async def _hold_of(self, cart: str) -> str:
        async with self.units.read() as unit:
            held: str = (await unit.carts.carts.get(cart)).hold
            return held

    @precondition(lambda self: any(c.is_open and not c.customer for c in self.shop.carts.values()))
    @rule(which=which, fault=faults)
    def log_in(self, which: int, fault: Any) -> None:
        """With a guest's cart."""
        guests = {n: c for n, c in self.shop.carts.items() if c.is_open and not c.customer}
        name = latest(guests, which)
        mine = self._my_cart()
        self.give(
            fault,
            lambda key: claiming.claim_cart(
                self.units,
                caller=replace(self.me, cart=name),
                cart=CartId(name),
                locale="",
                key=key,
            ),
            lambda: plain.claim(
                self.shop, guests[name], self.shop.carts[mine] if mine else None, ME
            ),
        )

    @rule(
        lines=st.lists(st.tuples(anything, a_store, some), min_size=1, max_size=3),
        mine=st.booleans(),
        kept=st.booleans(),
        fault=faults,
    )
    def buy(self, lines: Any, mine: bool, kept: bool, fault: Any) -> None:
        """From the first look to the order."""
        self.fill_cart(lines, mine=mine, kept=kept, fault=fault)
        self.check_out(which=0, fault=fault)

    def fill_cart(self, lines: Any, *, mine: bool, kept: bool, fault: Any) -> None:
        self.start_cart(mine=mine, fault=NOTHING)
        for sku, store, quantity in lines:
            self.put(which=0, sku=sku, store=store, quantity=quantity, fault=NOTHING)
        if kept:
            self.hold_cart(which=0, fault=fault)

    @has_carts
    @rule(which=which, fault=faults)
    def check_out(self, which: int, fault: Any) -> None:
        name, cart, caller = self._a_cart(which)
        placed, pickups = self.give(
            fault,
            lambda key: place_cart(self.units, CheckoutCommand(caller, name, CHECKOUT, "", key)),
            lambda: plain.check_out(self.shop, cart),
        )
        if placed:
            names = {group.store: group.pickup for group in placed.order.groups}
            self.shop.pickups |= {names[pickup.store]: pickup for pickup in pickups}

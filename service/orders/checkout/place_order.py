"""Carts become orders: stock is promised in the same transaction, or nothing happens.

Single calls are gathered: many carts are decided one by one, in the order they came, on shelves
that are locked once for all of them, and their orders are written together.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from domain.carts.carts import Cart
from domain.kernel.errors import DomainError, NotFound, TransactionConflict
from domain.kernel.ids import CartId
from domain.orders.orders import Order
from domain.payments.attempts import PaymentAttempt
from domain.payments.tenders import CARD
from service.foundation.ports import IdempotencyKey
from service.orders.checkout.allocation import Allocator
from service.orders.checkout.build_order import CheckoutCommand
from service.orders.checkout.checkout_context import CheckoutContext, CheckoutDraft, OpenCheckout
from service.orders.checkout.coupons import CouponRedemption
from service.orders.payment.execute_transactions import execute_transaction
from service.orders.payment.start_payment import HeldGoods, PaymentMeans, start_payment
from service.payments.payment_methods import PaymentMethods
from service.payments.ports import LeasedTransaction
from service.shared.batching import Batcher
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

One = TypeVar("One", bound="CheckoutCommand | OpenCheckout | CheckoutDraft")
Made = TypeVar("Made")


class PlacedOrder(Struct, frozen=True):
    """The order of a cart; `new` if this request made it. `attempt` is its payment attempt."""

    order: Order
    new: bool
    attempt: PaymentAttempt | None = None


class PlaceOrderResult(Struct, frozen=True):
    """The order of a cart, and the transaction to execute at the provider."""

    placed: PlacedOrder
    asked: LeasedTransaction | None = None


async def place_order(
    units: Units,
    cashier: PaymentMethods,
    placing: Batcher[CheckoutCommand, PlaceOrderResult],
    wish: CheckoutCommand,
) -> PlacedOrder:
    """Places the order of a cart; its locations prepare it.

    A repeat with the same key returns the first order and allocates nothing more; another key for a
    cart that is already an order returns that order. Paid by card, the order waits with its goods
    held until the payment is authorised; the answer is the order as it is by then.

    Raises:
        CartEmpty, NotOrderable: there is nothing to buy, or not like this; the cart stays.
        InvalidField: a shipped line has no address; or the payment method is not accepted.
        InsufficientStock: a line is not covered; nothing is allocated, the cart stays.
        ChannelNotServed: a store sells nothing new through the web; the cart holds nothing there.
        HoldPinned: the cart's hold is pinned by another payment.
    """
    wish.checkout.tenders.ensure_accepted()
    served = await _placed(units, cashier, placing, wish)
    if served.asked is not None:
        await execute_transaction(
            units, cashier.provider, served.asked, served.asked.transaction.planned_at
        )
    return await get_placed_order(units, served.placed)


async def _placed(
    units: Units,
    cashier: PaymentMethods,
    placing: Batcher[CheckoutCommand, PlaceOrderResult],
    wish: CheckoutCommand,
) -> PlaceOrderResult:
    """Together with others, unless its goods are to be held for a payment."""
    if wish.checkout.payment.method != CARD:
        return await placing(wish)
    return await _placed_alone(units, cashier, wish)


@retry_on_conflict
async def _placed_alone(
    units: Units, cashier: PaymentMethods, wish: CheckoutCommand
) -> PlaceOrderResult:
    (served,) = await place_orders(units, cashier, [wish])
    if isinstance(served, Exception):
        raise served
    return served


async def get_placed_order(units: Units, placed: PlacedOrder) -> PlacedOrder:
    """An order that is paid by card changes while it is answered."""
    if placed.order.attempt is None:
        return placed
    async with units.read() as unit:
        order = await unit.orders.orders.get(placed.order.id)
        assert order.attempt is not None, "who tried to pay has tried"
        return PlacedOrder(order, placed.new, await unit.payments.attempts.get(order.attempt))


@retry_on_conflict
async def place_orders(
    units: Units, cashier: PaymentMethods, wishes: Sequence[CheckoutCommand]
) -> list[PlaceOrderResult | Exception]:
    """Returns for each request its order, or the error to raise; one transaction for all.

    No two requests are of one cart. An order paid by card is placed alone.

    Errors: those of `place_order`, and TransactionConflict where a retry may succeed.
    """
    async with units.begin() as unit:
        desk = _CheckoutBatch(unit, cashier)
        carts = await desk.open(wishes)
        if carts:
            await desk.serve(carts, await CheckoutContext.at(unit, [one.cart for one in carts]))
        return await desk.answers(wishes)


class _CheckoutBatch:
    """Places the orders of a batch one after the other; a refused request delays no other."""

    def __init__(self, unit: Unit, cashier: PaymentMethods) -> None:
        self._unit = unit
        self._cashier = cashier
        self._served: dict[CartId, PlaceOrderResult | DomainError] = {}
        self._remembered: list[tuple[IdempotencyKey, PlacedOrder]] = []

    async def answers(
        self, wishes: Sequence[CheckoutCommand]
    ) -> list[PlaceOrderResult | Exception]:
        """Returns the answer to each request, and stores it under the request's key."""
        await self._unit.foundation.idempotency.save_answers(self._remembered)
        return [self._served[wish.cart] for wish in wishes]

    async def open(self, wishes: Sequence[CheckoutCommand]) -> list[OpenCheckout]:
        """Those whose work is still to be done, with their carts, locked."""
        carts = await self._unit.carts.carts.get_many_for_update([wish.cart for wish in wishes])
        keys = [wish.key for wish in wishes]
        answers = await self._unit.foundation.idempotency.get_answers(keys, PlacedOrder)
        firsts = {wish.cart: first for wish, first in zip(wishes, answers, strict=True)}
        ordered = [cart.order for cart in carts.values() if cart.order]
        orders = await self._unit.orders.orders.get_many(ordered) if ordered else {}
        keys_seen: set[tuple[str, str]] = set()

        def opened(wish: CheckoutCommand) -> OpenCheckout | None:
            if wish.key.name in keys_seen:
                raise TransactionConflict("Another request of this round has the same key.")
            keys_seen.add(wish.key.name)
            first = firsts[wish.cart]
            if isinstance(first, DomainError):
                raise first
            if wish.cart not in carts:
                raise NotFound
            cart = carts[wish.cart]
            cart.ensure_access(wish.caller)
            if first:
                self._served[wish.cart] = PlaceOrderResult(first)
            elif cart.order:
                self._answer(wish, PlacedOrder(orders[cart.order], new=False))
            else:
                return OpenCheckout(wish, cart)
            return None

        return [one for one in self._each(wishes, opened) if one]

    async def serve(self, carts: Sequence[OpenCheckout], look: CheckoutContext) -> None:
        drafts = self._each(carts, lambda one: look.draft(self._unit, self._cashier, one))
        if not drafts:
            return
        promises = await Allocator.open(
            self._unit,
            [draft.order for draft in drafts],
            look.catalogue,
            [draft.kept for draft in drafts],
        )
        coupons = await CouponRedemption.locked(self._unit, drafts)
        if drafts[0].waits_for_money:
            assert len(drafts) == 1, "what waits for its money comes alone"
            await self._begin(drafts[0], look, coupons)
            return

        def decide(draft: CheckoutDraft) -> Cart:
            coupons.must_hold(draft)
            order = promises.promise(draft.order, draft.kept)
            coupons.use(draft)
            self._answer(draft.wish, PlacedOrder(order, new=True))
            return draft.cart.mark_ordered(order.id, self._unit.now)

        ordered = self._each(drafts, decide)
        await promises.close()
        await self._unit.carts.carts.update(*ordered)

    async def _begin(
        self, draft: CheckoutDraft, look: CheckoutContext, coupons: CouponRedemption
    ) -> None:
        """Its goods are held while it waits for its money."""
        unit, cashier = self._unit, self._cashier
        try:
            coupons.must_hold(draft)
        except DomainError as no:
            self._served[draft.wish.cart] = no
            return
        order, asked = await start_payment(
            unit,
            draft.order,
            draft.cart,
            HeldGoods(look.catalogue, draft.kept),
            PaymentMeans(cashier.provider.provider, draft.wish.checkout.payment.card or ""),
            payment_due_at=unit.now + cashier.payment_timeout,
        )
        self._answer(draft.wish, PlacedOrder(order, new=True), asked)

    def _answer(
        self, wish: CheckoutCommand, placed: PlacedOrder, asked: LeasedTransaction | None = None
    ) -> None:
        self._served[wish.cart] = PlaceOrderResult(placed, asked)
        self._remembered.append((wish.key, placed))

    def _each(self, ones: Iterable[One], step: Callable[[One], Made]) -> list[Made]:
        """Returns the result of `step` for each request, or its error."""
        made = []
        for one in ones:
            try:
                made.append(step(one))
            except DomainError as no:
                wish = one if isinstance(one, CheckoutCommand) else one.wish
                self._served[wish.cart] = no
        return made

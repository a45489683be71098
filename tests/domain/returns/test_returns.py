"""What comes back is paid back to the last coin, in whatever order it comes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from domain.inventory.stock_levels import StockLevel
from domain.kernel.ids import CartId, OrderId
from domain.kernel.money import Money, share_of_units, split
from domain.orders.order_lines import OrderLine
from domain.orders.orders import Contact, Order, OrderPoints, OrderState
from domain.payments.attempts import AttemptState, PaymentAttempt
from domain.payments.refunds import RefundMethod, split_refund
from domain.payments.tenders import Payment, Tender
from domain.payments.transactions import (
    Transaction,
    TransactionKind,
    TransactionState,
    next_transaction,
)
from domain.pricing.prices import Totals
from domain.returns.dispositions import Disposition, OtherLocation, ProposedAction, propose
from domain.returns.returns import (
    RequestedLine,
    ReturnTooLarge,
    clip_to_returnable,
    to_return_lines,
)
from tests.support.api.attempts import a_transaction, an_attempt
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def sek(amount: int) -> Money:
    return Money(amount, "SEK")


def a_line(total: int = 1000, quantity: int = 3, sku: str = MUG, **more) -> OrderLine:
    facts = {"name": sku.title(), "collected": quantity, "unit_price": sek(0), "tax": sek(0)}
    costs = {"total": sek(total), "to_pay": sek(total)}
    return OrderLine(sku=sku, quantity=quantity, **{**facts, **costs, **more})


def an_order(*lines: OrderLine) -> Order:
    total = sek(sum(line.total.amount for line in lines))
    return Order(
        id=OrderId("ord_1"),
        cart=CartId("crt_1"),
        state=OrderState.FULFILLED,
        placed_at=NOW,
        changed_at=NOW,
        currency="SEK",
        locale="sv",
        contact=Contact("Sample", email="sample@example.com"),
        lines=list(lines),
        groups=[],
        payment=Payment(),
        totals=Totals(goods=total, discounts=sek(0), shipping=sek(0), tax=sek(0), to_pay=total),
        points=OrderPoints(0),
        tenders=[Tender("pay_at_pickup", total)],
        actor="test",
    )


def sound(
    quantity: int, sku: str = MUG, disposition: Disposition = Disposition.SELLABLE
) -> RequestedLine:
    return RequestedLine(quantity, sku=sku, disposition=disposition)


def refunded_minor(order: Order, returns: list[int]) -> list[int]:
    """The money of each of these returns of mugs, one after the other."""
    refunds = []
    for units in returns:
        lines = to_return_lines(order, [sound(units)])
        refunds.append(sum(line.refund.amount for line in lines))
        order = order.record_return({line.line: line.quantity for line in lines}, NOW)
    return refunds


parts = st.lists(st.integers(1, 20), min_size=1, max_size=8)


@given(returns=parts, total=st.integers(0, 10**9))
def test_all_returns_of_a_line_come_to_what_was_paid_for_it(returns: list[int], total: int):
    order = an_order(a_line(total, sum(returns)))

    assert sum(refunded_minor(order, returns)) == total


@given(returns=parts, total=st.integers(0, 10**9), data=st.data())
def test_the_order_of_partial_returns_does_not_matter_for_the_money(returns, total, data):
    order = an_order(a_line(total, sum(returns) + 3, collected=sum(returns), cancelled=3))
    shuffled = data.draw(st.permutations(returns))

    assert sum(refunded_minor(order, returns)) == sum(refunded_minor(order, shuffled))


@given(total=st.integers(100, 10**9), quantity=st.integers(1, 20), happens=st.lists(st.booleans()))
def test_what_is_cancelled_between_two_returns_leaves_no_coin_over(total, quantity, happens):
    order = an_order(a_line(total, quantity, collected=0))
    refunds = 0
    for comes_back in [*happens, *[True] * quantity]:
        [line] = order.lines
        if line.settled == quantity:
            break
        if comes_back:
            given = structs.replace(line, collected=line.collected + 1)
            order = structs.replace(order, lines=[given])
            refunds += refunded_minor(order, [1])[0]
            order = order.record_return({MUG: 1}, NOW)
        else:
            order = structs.replace(
                order, lines=[structs.replace(line, cancelled=line.cancelled + 1)]
            )

    assert refunds == order.lines[0].amount_due


steps = st.lists(st.sampled_from(["given", "cancelled", "returned", "captured", "refunded"]))


@given(total=st.integers(100, 10**9), quantity=st.integers(1, 12), happens=steps)
def test_a_card_keeps_what_is_due_less_what_came_back_in_whatever_order_things_happen(
    total: int, quantity: int, happens: list[str]
):
    till = CardTill.opened(total, quantity)
    for what in happens:
        till.happens(what)
        assert till.attempt.refunded <= till.asked_back <= till.attempt.captured
    till.happens("captured")
    till.happens("refunded")

    [line] = till.order.lines
    came_back = share_of_units(total, quantity, 0, line.returned)
    kept = line.amount_due - came_back if line.collected else 0
    assert till.attempt.captured - till.attempt.refunded == kept


class CardTill(Struct):
    """An order paid by card and what was asked for it, where the provider takes its time."""

    order: Order
    attempt: PaymentAttempt
    asked: list[Transaction] = []

    @classmethod
    def opened(cls, total: int, quantity: int) -> "CardTill":
        order = an_order(a_line(total, quantity, collected=0))
        attempt = an_attempt(payment="pi_1", authorised=total, state=AttemptState.AUTHORISED)
        card = [Tender("card", sek(total))]
        order = structs.replace(order, payment=Payment("card"), tenders=card, attempt=attempt.id)
        return cls(order, attempt)

    @property
    def asked_back(self) -> int:
        return sum(one.amount for one in self.asked if one.kind is TransactionKind.REFUND)

    def happens(self, what: str) -> None:
        """One unit moves, or the provider does what it was asked; then the shop asks on."""
        [line] = self.order.lines
        rest = line.quantity - line.settled
        if what == "given" and rest:
            self.order = self.order.settle("", collected={MUG: 1}, now=NOW)
        elif what == "cancelled" and rest:
            self.order = self.order.settle("", cancelled={MUG: 1}, now=NOW)
        elif what == "returned" and line.returnable:
            worth = to_return_lines(self.order, [sound(1)])[0].refund.amount
            self.order = self.order.record_return({MUG: 1}, NOW, refunded_minor=worth)
        self._provider_does(what)
        self._asks()

    def _provider_does(self, what: str) -> None:
        for position, one in enumerate(self.asked):
            done = {"captured": TransactionKind.CAPTURE, "refunded": TransactionKind.REFUND}.get(
                what
            ) is one.kind
            if done and one.state is TransactionState.PLANNED:
                is_capture = one.kind is TransactionKind.CAPTURE
                self.attempt = structs.replace(
                    self.attempt,
                    captured=one.amount if is_capture else self.attempt.captured,
                    refunded=self.attempt.refunded + (0 if is_capture else one.amount),
                )
                self.asked[position] = structs.replace(one, state=TransactionState.DONE)

    def _asks(self) -> None:
        owed = self.order.amount_owed(self.attempt.id)
        plan = next_transaction(self.attempt, self.asked, owed, take=self.order.has_started)
        if plan is not None:
            self.asked.append(a_transaction(plan.kind, plan.amount, cause=str(len(self.asked))))


@given(total=st.integers(0, 10**9), quantity=st.integers(1, 50), data=st.data())
def test_what_units_cost_is_never_less_than_nothing_nor_all_of_it(total, quantity, data):
    first = data.draw(st.integers(0, quantity))
    units = data.draw(st.integers(0, quantity - first))

    assert 0 <= share_of_units(total, quantity, first, units) <= total


@given(
    amount=st.integers(0, 10**12),
    weights=st.dictionaries(st.text(min_size=1), st.integers(0, 10**6), min_size=1),
)
def test_a_sum_is_shared_out_to_the_last_coin(amount: int, weights: dict[str, int]):
    shares = split(amount if any(weights.values()) else 0, weights)

    assert sum(shares.values()) == (amount if any(weights.values()) else 0)
    assert min(shares.values()) >= 0


paid = st.lists(
    st.tuples(st.sampled_from(["card", "cash", "gift"]), st.integers(0, 3) | st.integers(0, 10**6))
)


@given(tenders=paid, data=st.data())
def test_refunds_add_up_and_never_give_more_of_a_tender_than_was_paid_with_it(tenders, data):
    counts: dict[str, int] = {}
    for name, amount in tenders:
        counts[name] = counts.get(name, 0) + amount
    told = [Tender(name, sek(amount)) for name, amount in tenders]
    before = dict.fromkeys(counts, 0)
    left = sum(counts.values())
    for _ in range(4):
        amount = data.draw(st.integers(0, left))
        refunds = split_refund(amount, told, before, at_till=True)
        assert sum(refund.amount.amount for refund in refunds) == amount
        for refund in refunds:
            before[refund.type] += refund.amount.amount
        left -= amount
    assert all(before[name] <= counts[name] for name in counts)


def test_coin_by_coin_each_tender_is_paid_back_what_was_paid_with_it():
    told = [Tender("card", sek(2)), Tender("cash", sek(3))]
    before = {"card": 0, "cash": 0}
    for _ in range(5):
        [refund] = split_refund(1, told, before, at_till=True)
        before[refund.type] += refund.amount.amount

    assert before == {"card": 2, "cash": 3}


def test_a_card_is_paid_back_by_its_provider_and_the_rest_by_who_has_the_goods():
    tenders = [Tender("card", sek(750)), Tender("pay_at_pickup", sek(250))]
    at_till = split_refund(100, tenders, {}, at_till=True)
    by_post = split_refund(100, tenders, {}, at_till=False)

    assert [(one.type, one.amount.amount, one.through) for one in at_till] == [
        ("card", 75, RefundMethod.PROVIDER),
        ("pay_at_pickup", 25, RefundMethod.TILL),
    ]
    assert [one.through for one in by_post] == [RefundMethod.PROVIDER, RefundMethod.OFFICE]


def test_units_of_a_sku_are_taken_from_its_lines_in_turn():
    order = an_order(a_line(300, 3, returned=2), a_line(500, 5, line=f"{MUG}/2"))
    lines = to_return_lines(order, [sound(4)])

    assert [(line.line, line.quantity) for line in lines] == [(MUG, 1), (f"{MUG}/2", 3)]


def test_more_than_was_given_is_refused_with_what_may_come_back():
    order = an_order(a_line(300, 3, collected=2, returned=1), a_line(sku=TEAPOT, collected=0))
    asked = [sound(1), sound(1, disposition=Disposition.DAMAGED), sound(1, TEAPOT), sound(1, "X")]

    with pytest.raises(ReturnTooLarge) as refusal:
        to_return_lines(order, asked)

    assert [(e["pointer"], e["code"], e["allowed"]) for e in refusal.value.errors] == [
        ("/lines/1/quantity", "more_than_given", 1),
        ("/lines/2/quantity", "more_than_given", 0),
        ("/lines/3/sku", "not_ordered", 0),
    ]


def test_what_happened_at_a_till_counts_as_far_as_the_buyer_had_it():
    order = an_order(a_line(300, 3, collected=2))

    assert [
        one.quantity for one in clip_to_returnable(order, [sound(1), sound(2), sound(1, "X")])
    ] == [1, 1, 0]


def test_whether_what_did_not_come_is_paid_back_waits_for_the_office():
    order = an_order(a_line(1000, 3))
    [waits] = to_return_lines(order, [sound(1, disposition=Disposition.MISSING)])
    [pays] = to_return_lines(order, [sound(1, disposition=Disposition.MISSING)], pays_missing=True)

    assert (waits.refund, waits.withheld) == (sek(0), sek(333))
    assert (pays.refund, pays.withheld) == (sek(333), sek(0))


def here(on_hand: int, **more) -> StockLevel:
    return StockLevel(HARBOUR, MUG, on_hand, **more)


def there(on_hand: int, km: float | None = 1.0, store: str = HILL, **more) -> OtherLocation:
    return OtherLocation(StockLevel(store, MUG, on_hand, **more), km)


@pytest.mark.parametrize(
    ("disposition", "level", "others", "answer"),
    [
        ("damaged", here(0), [there(0)], (ProposedAction.QUARANTINE, "damaged", None)),
        ("quarantine", here(0), [there(0)], (ProposedAction.QUARANTINE, "to_be_checked", None)),
        ("sellable", here(5), [there(5)], (ProposedAction.SHELF, "enough_everywhere", None)),
        ("sellable", here(5), [], (ProposedAction.SHELF, "enough_everywhere", None)),
        ("sellable", here(5), [there(0)], (ProposedAction.TRANSFER, "sold_out_there", HILL)),
        (
            "sellable",
            here(5),
            [there(1, safety_stock=2)],
            (ProposedAction.TRANSFER, "sold_out_there", HILL),
        ),
        ("sellable", here(0), [there(0)], (ProposedAction.SHELF, "sold_out_here", None)),
        (
            "sellable",
            here(0),
            [there(0, allocated=1)],
            (ProposedAction.TRANSFER, "promised_there", HILL),
        ),
        (
            "sellable",
            here(0, allocated=1),
            [there(0, allocated=1)],
            (ProposedAction.SHELF, "promised_here", None),
        ),
        (
            "sellable",
            here(5),
            [there(0, 9.0, "far"), there(0, 2.0, "near"), there(0, None, "nowhere")],
            (ProposedAction.TRANSFER, "sold_out_there", "near"),
        ),
        (
            "sellable",
            here(5),
            [there(0, 9.0, "far", allocated=1), there(0, 2.0, "near")],
            (ProposedAction.TRANSFER, "promised_there", "far"),
        ),
    ],
)
def test_goods_that_came_back_go_where_they_are_lacking_most(disposition, level, others, answer):
    proposal = propose(Disposition(disposition), 1, level, others)

    assert (proposal.to_do, proposal.reason, proposal.store) == answer

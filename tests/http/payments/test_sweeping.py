"""What was asked and never answered, what nobody told: it is settled, and once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct, structs

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.stripe.provider import StripeProvider
from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import AttemptState, PaymentAttempt
from domain.payments.transactions import Transaction, TransactionKind, TransactionState
from service.orders.payment.execute_transactions import execute_due_transactions
from service.orders.payment.reconcile_attempts import reconcile_due_attempts
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.fake_stripe import GOOD, SECRET_KEY, FakeStripe, Fault
from tests.support.shop import Shop

MINUTES = timedelta(minutes=30)


class Clock(Struct):
    now: datetime

    def __call__(self) -> datetime:
        return self.now


class Till(Struct):
    """One order that somebody is to pay by card, and the clock of those who see to it."""

    units: PostgresUnits
    stripe: StripeProvider
    clock: Clock
    attempt: AttemptId
    order: OrderId

    def later(self, **span: float) -> None:
        self.clock.now += timedelta(**span)

    async def seen(self) -> PaymentAttempt:
        async with self.units.read() as unit:
            return await unit.payments.attempts.get(self.attempt)

    async def asked(self) -> dict[str, TransactionState]:
        async with self.units.read() as unit:
            found = await unit.payments.attempts.list_transactions([self.attempt])
        return {one.cause: one.state for one in found}

    async def plan(self, kind: TransactionKind, cause: str, amount: int = 0) -> bool:
        async with self.units.begin() as unit:
            return await unit.payments.attempts.add_transaction(
                Transaction(
                    id=TransactionId(unit.new_id("ptx")),
                    attempt=self.attempt,
                    order=self.order,
                    kind=kind,
                    cause=cause,
                    amount=amount,
                    planned_at=unit.now,
                    changed_at=unit.now,
                    due_at=unit.now,
                )
            )

    async def ask(self) -> int:
        return await execute_due_transactions(self.units, self.stripe)

    async def look(self) -> int:
        return await reconcile_due_attempts(self.units, self.stripe)


@pytest.fixture
async def till(shop: Shop, database_url: str, fake: FakeStripe) -> AsyncIterator[Till]:
    await shelve(shop.units, mug=1)
    clock = Clock(datetime.now(UTC))
    units = PostgresUnits(connect(database_url, pool_size=8), clock=clock)
    stripe = StripeProvider(SECRET_KEY, base_url=fake.url, timeout_s=2)
    till = Till(units, stripe, clock, AttemptId("pay_1"), OrderId(await an_order(shop)))
    async with units.begin() as unit:
        await unit.payments.attempts.add(
            PaymentAttempt(
                id=till.attempt,
                order=till.order,
                provider="stripe",
                amount=Money(1000, "SEK"),
                card=GOOD,
                deadline=unit.now + MINUTES,
                started_at=unit.now,
                changed_at=unit.now,
                reconcile_at=unit.now + MINUTES,
            )
        )
        order = await unit.orders.orders.get(till.order)
        await unit.orders.orders.update(structs.replace(order, attempt=till.attempt))
    await till.plan(TransactionKind.AUTHORISE, till.attempt, 1000)
    yield till
    await stripe.close()
    await units.close()


async def an_order(shop: Shop) -> str:
    page = await shop.page()
    cart = (await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=page)).json()
    opens = page | {"Cart-Token": cart["token"], "Idempotency-Key": shop.fresh()}
    line = {"quantity": 1, "fulfilment": {"method": "pickup", "store": HARBOUR}}
    await shop.client.put(f"/v1/carts/{cart['id']}/lines/{MUG}", json=line, headers=page | opens)
    checkout = {
        "contact": {"name": "Sample Customer", "email": "sample@example.com"},
        "payment": {"method": "pay_at_pickup"},
    }
    opens["Idempotency-Key"] = shop.fresh()
    placed = await shop.client.post(
        f"/v1/carts/{cart['id']}/checkout", json=checkout, headers=opens
    )
    assert placed.status_code == 201, placed.text
    order: str = placed.json()["id"]
    return order


async def test_two_sweepers_at_once_ask_once(till: Till, fake: FakeStripe):
    await asyncio.gather(*(till.ask() for _ in range(6)))

    assert fake.calls["create"] == 1
    assert (await till.seen()).state is AttemptState.AUTHORISED
    assert await till.asked() == {till.attempt: TransactionState.DONE}


@pytest.mark.parametrize(
    "fault", [Fault.HANGS, Fault.HANGS_UP, Fault.BREAKS_AFTER, Fault.BREAKS_BEFORE, Fault.BUSY]
)
async def test_whatever_a_provider_does_the_money_is_reserved_and_taken_once(
    till: Till, fake: FakeStripe, fault: Fault
):
    fake.will("create", fault)
    fake.will("capture", fault)
    await till.ask()
    till.later(minutes=3)
    await till.ask()
    await till.plan(TransactionKind.CAPTURE, "a step", 700)
    await till.ask()
    till.later(minutes=3)
    await till.ask()

    assert list(fake.book().values()) == [("succeeded", 0, 700, 0)]
    assert set((await till.asked()).values()) == {TransactionState.DONE}
    seen = await till.seen()
    assert (seen.state, seen.authorised, seen.captured) == (AttemptState.CAPTURED, 1000, 700)


async def test_a_lease_that_is_not_over_is_left_to_its_holder(till: Till, fake: FakeStripe):
    fake.will("create", Fault.HANGS)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(till.ask())
        while not fake.calls["create"]:
            await asyncio.sleep(0.02)
        second = await till.ask()

    assert (first.result(), second) == (1, 0)
    assert fake.calls["create"] == 1


async def test_a_notice_that_is_faster_than_the_answer_is_enough(
    till: Till, fake: FakeStripe, shop: Shop
):
    fake.will("create", Fault.HANGS)
    await till.ask()
    [(body, headers)] = fake.take_events()
    told = await shop.client.post("/v1/hooks/stripe", content=body, headers=headers)
    till.later(seconds=30)
    await till.look()

    assert told.json() == {"new": True}
    assert (await till.seen()).state is AttemptState.AUTHORISED


async def test_a_notice_while_somebody_looks_has_it_looked_at_again(
    till: Till, fake: FakeStripe, shop: Shop
):
    await till.ask()
    payment = fake.only["id"]
    seen = await till.seen()
    async with till.units.begin() as unit:
        await unit.payments.attempts.update(structs.replace(seen, reconcile_at=unit.now))
    loop, client = asyncio.get_running_loop(), shop.client

    def pay_and_tell() -> None:
        fake.before_answer = None
        fake.captures_by_itself(payment)
        for body, headers in fake.take_events("payment_intent.succeeded"):
            told = client.post("/v1/hooks/stripe", content=body, headers=headers)
            asyncio.run_coroutine_threadsafe(told, loop).result(10)

    fake.before_answer = pay_and_tell
    await till.look()
    till.later(seconds=30)
    before = await till.seen()
    await till.look()

    assert before.state is AttemptState.AUTHORISED
    assert (await till.seen()).captured == 1000


async def test_what_nobody_answers_until_the_deadline_was_never_begun(till: Till, fake: FakeStripe):
    fake.dead = True
    await till.ask()
    till.later(minutes=31)
    fake.dead = False
    await till.ask()
    await till.look()
    soon = await till.seen()
    till.later(minutes=3)
    await till.look()

    assert fake.intents == {}
    assert soon.state is AttemptState.STARTED
    assert (await till.seen()).state is AttemptState.FAILED
    assert await till.asked() == {till.attempt: TransactionState.REFUSED}


async def test_one_thing_for_one_cause_is_planned_once(till: Till):
    plans = [await till.plan(TransactionKind.CAPTURE, "a step", 1000) for _ in range(3)]

    assert plans == [True, False, False]


async def test_how_payments_stand_is_on_the_metrics(till: Till, shop: Shop):
    metrics = (await shop.client.get("/metrics")).text

    assert 'hylla_payments{kind="attempt",state="started"} 1.0' in metrics
    assert 'hylla_payments{kind="transaction",state="planned"} 1.0' in metrics

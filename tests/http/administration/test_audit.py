"""Every invariant holds in a shop that was lived in, and is reported when somebody breaks it."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from adapters.postgres.administration.invariants import INVARIANTS
from domain.stores.stores import StoreState
from tests.support.api.audit import audit, broken, order, prepare, step
from tests.support.api.carts import a_cart
from tests.support.api.deliveries import announced, receive
from tests.support.api.transfers import sent
from tests.support.card_shop import OF_CARDS
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_store, shelve
from tests.support.shop import Shop

SHELF = {"store": HARBOUR, "sku": MUG}


async def merge(shop: Shop, me: dict[str, str]) -> None:
    """A guest's cart that held something goes into a customer's."""
    guest = await a_cart(shop, await shop.page(), mug=1)
    path, token = f"/v1/carts/{guest['id']}", {"Cart-Token": guest["headers"]["Cart-Token"]}
    key = {"Idempotency-Key": shop.fresh()}
    held = await shop.client.post(f"{path}/hold", json={}, headers=guest["headers"] | key)
    assert held.status_code == 200, held.text
    await shop.client.get("/v1/me/cart", params={"currency": "SEK"}, headers=me)
    merged = await shop.client.post(f"{path}/claim", json={}, headers=me | token)
    assert merged.json()["id"] != guest["id"], "an open cart of one's own takes the guest's in"


async def give_back(shop: Shop, order: str, line: dict[str, Any]) -> None:
    back = await shop.client.post(
        f"/v1/orders/{order}/returns",
        json={"lines": [line]},
        headers=await shop.till(HARBOUR) | {"Idempotency-Key": shop.fresh()},
    )
    assert back.status_code == 201, back.text


@pytest.fixture
async def lived_in(shop: Shop) -> Shop:
    """One order collected, of which one thing came back damaged, one cancelled, one that lies
    ready, one just placed; a guest's cart that was claimed; a till's sale of what the other shelf
    did not have; a hold; and a store that is closed."""
    await shelve(shop.units, HARBOUR, mug=40, teapot=10)
    me, till = await shop.customer(), await shop.till(HARBOUR)
    collected = await order(shop, me, {MUG: 3, TEA_SET: 1})
    await prepare(shop, collected, {MUG: 3, TEA_SET: 1}, till)
    mine = (await shop.client.get(f"/v1/pickups/{collected}", headers=me)).json()
    await step(shop, collected, "handover", {"code": mine["code"]}, till)
    await give_back(shop, mine["order"], {"sku": MUG, "quantity": 1, "disposition": "damaged"})
    await shop.client.put(
        "/v1/promotions/spring",
        json={"kind": "percentage", "percent": "10", "code": "SPRING"},
        headers=await shop.office(),
    )
    given_up = await order(shop, me, {TEAPOT: 2}, "SPRING")
    await step(shop, given_up, "cancel", {"reason": "changed_mind"}, me)
    ready = await order(shop, me, {TEA_SET: 2}, "SPRING")
    await prepare(shop, ready, {TEA_SET: 2}, till)
    await order(shop, me, {MUG: 5})
    await merge(shop, me)
    sold = {"sku": TEAPOT, "quantity": 1}
    receipt = {"id": "r-1", "kind": "sale", "occurred_at": "2026-11-23T10:00:00Z", "lines": [sold]}
    told = await shop.client.post(
        f"/v1/stores/{HILL}/sales", json={"sales": [receipt]}, headers=await shop.till(HILL)
    )
    assert told.json()["results"][0]["status"] == "applied"
    await sent(shop, teapot=2)
    await announced(shop, mug=6)
    await receive(shop, await announced(shop, teapot=4), teapot=3)
    shown = {"store": HARBOUR, "sku": MUG, "delta": 2, "reason": "blocked", "condition": "display"}
    await shop.client.post(
        "/v1/stock/adjustments",
        json={"lines": [shown]},
        headers=await shop.office() | {"Idempotency-Key": shop.fresh()},
    )
    held = await shop.client.post(
        "/v1/holds",
        json={"lines": [{"sku": MUG, "store": HARBOUR, "quantity": 1}]},
        headers=await shop.page() | {"Idempotency-Key": shop.fresh()},
    )
    assert held.status_code == 201, held.text
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store("quay", state=StoreState.CLOSED)])
    return shop


async def tell(shop: Shop, statement: str) -> None:
    async with shop.units.read() as unit:
        await unit.connection.execute(statement)


async def test_all_is_well_where_nobody_meddled(lived_in):
    report = await audit(lived_in)
    checked = {found["name"]: found["checked"] for found in report["invariants"]}

    assert report["ok"] is True
    assert [found for found in report["invariants"] if found["broken"]] == []
    assert list(checked) == list(INVARIANTS)
    unseen = {name for name, rows in checked.items() if rows == 0}
    assert unseen <= {"messages_are_sent_once", *OF_CARDS}


@pytest.mark.parametrize(
    ("meddling", "found"),
    [
        (
            "update stock_levels set on_hand = on_hand + 1 where sku = 'MUG'",
            "on_hand_is_what_was_moved",
        ),
        ("update stock_levels set unavailable = 1", "unavailable_is_what_was_moved"),
        ("update stock_levels set unavailable = 1", "unavailable_is_the_sum_of_conditions"),
        (
            "update stock_conditions set condition = 'quarantine' where condition = 'display'",
            "conditions_are_what_was_moved",
        ),
        ("update stock_conditions set units = 3", "unavailable_is_the_sum_of_conditions"),
        ("update stock_levels set allocated = allocated + 1", "allocated_is_what_orders_claim"),
        ("update stock_levels set staged = 0", "staged_is_what_was_picked"),
        ("update stock_levels set held = 1", "held_is_what_carts_hold"),
        (
            "update holds set state = 'released' where state = 'active'",
            "hold_units_are_those_of_holds",
        ),
        ("delete from holds where state = 'active'", "hold_units_are_those_of_holds"),
        ("update hold_units set held_until = '2100-01-01'", "hold_units_are_those_of_holds"),
        ("update hold_units set quantity = quantity + 1", "hold_units_are_those_of_holds"),
        ("delete from hold_units", "hold_units_are_those_of_holds"),
        (
            "update pickups set state = 'cancelled' where state = 'placed'",
            "ended_fulfilments_have_no_units_left",
        ),
        (
            "update orders set state = 'cancelled' where state = 'placed'",
            "ended_fulfilments_have_no_units_left",
        ),
        ("update stores set state = 'closed'", "closed_stores_have_no_open_work"),
        ("delete from stock_levels where sku = 'MUG'", "movements_have_a_stock_level"),
        (
            "update allocations set released = 1 where quantity > consumed + released",
            "allocations_are_what_fulfilments_claim",
        ),
        ("delete from allocations", "allocations_are_what_fulfilments_claim"),
        (
            """
            insert into allocations (fulfilment_id, line, sku, store, quantity)
            values ('pku_none', 'MUG', 'MUG', 'harbour', 1)
            """,
            "allocations_are_what_fulfilments_claim",
        ),
        ("update transfers set lines = '[]'", "transfers_are_what_was_moved"),
        (
            "update transfers set lines = jsonb_set(lines, '{0,received}', '2')",
            "transfers_are_what_was_moved",
        ),
        (
            "update transfers set origin = destination, destination = origin",
            "transfers_are_what_was_moved",
        ),
        (
            "update deliveries set lines = jsonb_set(lines, '{0,received}', '9')",
            "deliveries_are_what_was_moved",
        ),
        ("update deliveries set destination = 'hill'", "deliveries_are_what_was_moved"),
        ("delete from incoming_stock", "incoming_is_what_is_on_its_way"),
        ("update incoming_stock set due_on = '2030-01-01'", "incoming_is_what_is_on_its_way"),
        ("update returns set lines = '[]'", "returns_are_what_was_moved"),
        ("update returns set store = 'hill'", "returns_are_what_was_moved"),
        (
            "update returns set lines = jsonb_set(lines, '{0,disposition}', '\"sellable\"')",
            "returns_are_what_was_moved",
        ),
        ("delete from returns", "returns_are_what_was_moved"),
        ("delete from returns", "returned_is_what_came_back"),
        (
            "update orders set lines = jsonb_set(lines, '{0,returned}', '9')",
            "returned_is_what_came_back",
        ),
        (
            "update orders set lines = jsonb_set(lines, '{0,collected}', '0')",
            "returned_is_what_came_back",
        ),
        ("update returns set refunds = '[]'", "refunds_add_up"),
        (
            "update orders set lines = jsonb_set(lines, '{0,to_pay,amount}', '7')",
            "returns_are_worth_their_share",
        ),
        ("update orders set to_pay_minor = 1", "refunds_never_exceed_the_payment"),
        (
            "update orders set refunded_minor = 1",
            "returns_are_refunded_by_the_provider",
        ),
        ("update orders set lines = '[]'", "orders_and_fulfilments_agree"),
        (
            """
            update pickups set lines = jsonb_set(lines, '{0,given}', '0')
            where state = 'collected'
            """,
            "orders_and_fulfilments_agree",
        ),
        (
            "update carts set state = 'open', customer = null where state = 'ordered'",
            "an_ordered_cart_has_its_order",
        ),
        ("update carts set order_id = 'ord_none'", "an_ordered_cart_has_its_order"),
        ("update promotions set uses = 2", "coupons_are_used_by_their_orders"),
        ("delete from coupon_uses", "coupons_are_used_by_their_orders"),
        (
            "update orders set to_pay_minor = to_pay_minor + 1 where state = 'placed'",
            "orders_cost_their_lines",
        ),
        (
            """
            alter table points_postings disable trigger append_only;
            update points_postings set points = points + 1 where position = 0
            """,
            "every_entry_balances",
        ),
        (
            """
            insert into points_entries (id, member, kind, source, purchase, occurred_at,
                recorded_at)
            select 'ent_none', id, 'confirmed', 'none', 'none', now(), now() from loyalty_members
            """,
            "every_entry_balances",
        ),
        ("update loyalty_members set available = available + 500", "balances_are_what_was_posted"),
        ("update loyalty_members set debt = 7", "balances_are_what_was_posted"),
        ("update points_lots set remaining = 0 where remaining > 0", "lots_are_what_was_posted"),
        ("update points_lots set remaining = 0 where remaining > 0", "lots_make_up_the_balance"),
        (
            "update orders set lines = jsonb_set(lines, '{0,collected}', '0')",
            "pending_points_are_those_of_units_to_come",
        ),
        (
            """
            alter table messages drop constraint messages_kind_key_key;
            insert into messages
                (id, kind, key, planned_for, send_before, created_at, changed_at)
            select 'msg_' || n, 'pickup_ready', 'pku_1:1', now(), now(), now(), now()
            from generate_series(1, 2) as n
            """,
            "messages_are_sent_once",
        ),
        ("update outbox_events set attempts = 11", "events_are_processed"),
        ("delete from receipts", "goods_of_a_receipt_have_their_receipt"),
        ("update receipts set store = 'harbour'", "goods_of_a_receipt_have_their_receipt"),
        (
            "update stock_levels set on_hand = 1 where store = 'hill'",
            "oversold_incidents_are_short",
        ),
        ("delete from feed_outbox where version = 3", "the_feed_has_every_change"),
        ("update stock_levels set version = version + 1", "the_feed_has_every_change"),
    ],
)
async def test_what_somebody_breaks_is_reported(lived_in, meddling, found):
    await tell(lived_in, meddling)

    assert found in await broken(lived_in)


async def test_a_broken_counter_is_reported_with_its_place_and_both_figures(lived_in):
    await tell(lived_in, "update stock_levels set on_hand = on_hand + 7 where sku = 'MUG'")

    report = await audit(lived_in)
    found = next(f for f in report["invariants"] if f["name"] == "on_hand_is_what_was_moved")

    assert (report["ok"], found["ok"], found["broken"]) == (False, False, 1)
    assert found["examples"] == [{"about": SHELF, "expected": 36, "actual": 43}]


async def test_a_repair_sets_figures_to_their_ledger_and_writes_that_down(lived_in):
    await tell(
        lived_in, "update stock_levels set on_hand = on_hand + 7, held = 2 where sku = 'MUG'"
    )
    await tell(
        lived_in, "update loyalty_members set available = 0; update points_lots set remaining = 0"
    )
    async with lived_in.units.begin() as unit:
        repairs = await unit.administration.audit.repair()
    async with lived_in.units.begin() as unit:
        again = await unit.administration.audit.repair()

    assert await broken(lived_in) == set()
    assert again == []
    told = {(repair.invariant, repair.broken.expected, repair.broken.actual) for repair in repairs}
    assert ("on_hand_is_what_was_moved", 36, 43) in told
    assert ("held_is_what_carts_hold", 1, 2) in told
    assert ("balances_are_what_was_posted", 285, 0) in told
    async with lived_in.units.begin() as unit:
        assert await unit.connection.fetchval("select count(*) from repairs") == len(repairs)
        await unit.inventory.change_feed.relay(1000)
        change = (await unit.inventory.change_feed.list_after(0, 1000))[-1]
    assert (change.stock_level.sku, change.stock_level.on_hand, change.cause) == (MUG, 36, "repair")


async def ledger(shop: Shop, sku: str, store: str = HARBOUR) -> list[Any]:
    """What is told of a shelf's history, newest first."""
    query = {"store": store, "limit": "100"}
    office = await shop.office("stock")
    answer = await shop.client.get(f"/v1/stock/{sku}/movements", params=query, headers=office)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def shelf_of(shop: Shop, sku: str, store: str = HARBOUR) -> Any:
    query = {"store": store}
    answer = await shop.client.get(
        f"/v1/stock/{sku}", params=query, headers=await shop.office("stock")
    )
    return answer.json()["items"][0]


async def test_a_repair_is_a_line_in_the_history_of_its_shelf_by_which_nothing_moves(lived_in):
    before, history = await shelf_of(lived_in, MUG), await ledger(lived_in, MUG)
    await tell(
        lived_in, "update stock_levels set on_hand = on_hand + 7, held = 2 where sku = 'MUG'"
    )
    async with lived_in.units.begin() as unit:
        await unit.administration.audit.repair()
        at = unit.now
    after, [line, *older] = await shelf_of(lived_in, MUG), await ledger(lived_in, MUG)
    async with lived_in.units.begin() as unit:
        assert await unit.administration.audit.repair() == []
        noted = await unit.connection.fetch("select distinct repair_id from repairs")

    assert older == history
    assert (line["kind"], line["actor"], line["on_hand"], line["unavailable"]) == (
        "repair",
        "hylla",
        0,
        0,
    )
    assert line["repaired"] == {
        "on_hand": {"was": 43, "set_to": 36},
        "held": {"was": 2, "set_to": 1},
    }
    assert datetime.fromisoformat(line["recorded_at"]) == at
    assert [row["repair_id"] for row in noted] == [line["cause"]]
    assert after == before | {"version": before["version"] + 1}
    assert await ledger(lived_in, MUG) == [line, *older], "a second repair writes nothing"
    assert all("repaired" not in one for one in older)


async def test_a_repair_of_conditions_is_a_line_of_the_history_too(lived_in):
    before = await shelf_of(lived_in, MUG)
    quarantined = "update stock_conditions set condition = 'quarantine' where condition = 'display'"
    await tell(lived_in, quarantined)
    async with lived_in.units.begin() as unit:
        await unit.administration.audit.repair()
    line, *_ = await ledger(lived_in, MUG)

    assert line["repaired"] == {
        "display": {"was": 0, "set_to": 2},
        "quarantine": {"was": 2, "set_to": 0},
    }
    assert await shelf_of(lived_in, MUG) == before | {"version": before["version"] + 1}
    assert await broken(lived_in) == set()


async def test_a_shelf_that_was_gone_comes_back_newer_than_anybody_has_heard_of(lived_in):
    before = await shelf_of(lived_in, MUG)
    await tell(lived_in, "delete from stock_levels where sku = 'MUG' and store = 'harbour'")
    async with lived_in.units.begin() as unit:
        await unit.administration.audit.repair()
        await unit.inventory.change_feed.relay(1000)
        told = [
            change
            for change in await unit.inventory.change_feed.list_after(0, 1000)
            if change.cause == "repair"
        ]

    assert await broken(lived_in) == set()
    assert [(one.stock_level.on_hand, one.stock_level.version) for one in told] == [
        (before["on_hand"], before["version"] + 1)
    ]


async def test_a_rehearsal_names_what_a_repair_would_set_and_changes_nothing(lived_in):
    await tell(
        lived_in, "update stock_levels set on_hand = on_hand + 7, held = 2 where sku = 'MUG'"
    )
    await tell(
        lived_in, "update loyalty_members set available = 0; update points_lots set remaining = 0"
    )
    await tell(lived_in, "delete from stock_levels where sku = 'TEAPOT' and store = 'hill'")
    before = await books(lived_in)
    async with lived_in.units.begin() as unit:
        rehearsed = await unit.administration.audit.plan_repairs()
    after = await books(lived_in)
    async with lived_in.units.begin() as unit:
        repaired = await unit.administration.audit.repair()

    assert after == before
    assert len(rehearsed) >= 5
    assert [(one.invariant, one.broken) for one in rehearsed] == [
        (one.invariant, one.broken) for one in repaired
    ]


async def books(shop: Shop) -> dict[str, str]:
    """Everything that a repair may write, row for row."""
    tables = (
        "stock_levels",
        "stock_movements",
        "stock_conditions",
        "loyalty_members",
        "points_lots",
        "incidents",
        "repairs",
        "feed_outbox",
    )
    async with shop.units.read() as unit:
        return {
            table: await unit.connection.fetchval(f"select json_agg({table})::text from {table}")
            for table in tables
        }


async def test_a_repair_never_touches_what_no_ledger_explains(lived_in):
    await tell(lived_in, "update carts set order_id = 'ord_none'")
    async with lived_in.units.begin() as unit:
        repairs = await unit.administration.audit.repair()

    assert repairs == []
    assert await broken(lived_in) == {"an_ordered_cart_has_its_order"}


async def test_the_books_agree_at_every_moment_of_a_busy_day(lived_in):
    me, till = await lived_in.customer(), await lived_in.till(HARBOUR)
    guests = [await lived_in.customer(f"sample-{number}") for number in range(2, 10)]

    async def buy(buyer: dict[str, str]) -> None:
        pickup = await order(lived_in, buyer, {MUG: 1})
        await prepare(lived_in, pickup, {MUG: 1}, till)

    async def look(times: int) -> list[set[str]]:
        return [await broken(lived_in) for _ in range(times)]

    seen, *_ = await asyncio.gather(look(8), *(buy(buyer) for buyer in [me, *guests]))

    assert seen == [set()] * 8
    assert await broken(lived_in) == set()

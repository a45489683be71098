from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from litestar.exceptions import ClientException

from adapters.http.web.bodies import split_items
from tests.support.api.stocktaking import line, results, tell
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.shop import Shop

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own now: a long run must not make it old."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


async def on_hand(shop: Shop, sku: str = MUG, store: str = HARBOUR) -> int:
    answer = await shop.client.get(f"/v1/stock/{sku}?store={store}", headers=await shop.office())
    quantity: int = answer.json()["items"][0]["on_hand"]
    return quantity


async def test_goods_come_and_go_for_a_reason_and_the_ledger_remembers_why(shop: Shop):
    told = await results(
        shop,
        "adjustments",
        line(delta=10, reason="received", reference="delivery 7"),
        line(delta=-2, reason="damaged"),
        line(delta=3, reason="blocked"),
    )
    office = await shop.office()
    ledger = (await shop.client.get(f"/v1/stock/{MUG}/movements", headers=office)).json()["items"]

    assert [(one["status"], one["on_hand"]) for one in told] == [
        ("applied", 10),
        ("applied", 8),
        ("applied", 8),
    ]
    assert [(one["kind"], one["on_hand"], one["unavailable"]) for one in ledger[::-1]] == [
        ("received", 10, 0),
        ("damaged", -2, 0),
        ("blocked", 0, 3),
    ]
    explained = await shop.client.get(
        f"/v1/availability/{MUG}?explain=true&store={HARBOUR}", headers=office
    )
    assert explained.json()["stores"][0]["explain"]["sellable"] == 5


async def test_a_reference_is_told_once_and_for_ever(shop: Shop):
    delivery = line(delta=10, reason="received", reference="delivery 7")
    told = [
        await results(shop, "adjustments", delivery, delivery),
        await results(shop, "adjustments", delivery),
        await results(shop, "adjustments", delivery | {"delta": 9}),
    ]

    assert [[one["status"] for one in each] for each in told] == [
        ["applied", "duplicate"],
        ["duplicate"],
        ["rejected"],
    ]
    assert told[2][0]["code"] == "reference_reused"
    assert await on_hand(shop) == 10


async def test_a_batch_that_is_sent_twice_is_done_once(shop: Shop):
    office = await shop.office()
    gone = line(delta=-3, reason="lost")
    first, second = [
        await tell(shop, "adjustments", gone, key="once", headers=office) for _ in range(2)
    ]

    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert await on_hand(shop) == -3


async def test_one_bad_line_stops_none_of_the_others(shop: Shop):
    told = await results(
        shop,
        "adjustments",
        line(delta=1, reason="found"),
        line(delta="many", reason="found"),
        line(delta=1, reason="because"),
        line("GHOST", delta=1, reason="found"),
        line(store="moon", delta=1, reason="found"),
        line(delta=-1, reason="received"),
        line(delta=1, reason="unblocked"),
        line(delta=1, reason="found", occurred_at="2999-01-01T00:00:00Z"),
        7,
        line(delta=1, reason="found"),
    )

    assert [one.get("code", one["status"]) for one in told] == [
        "applied",
        "type",
        "not_allowed",
        "unknown_sku",
        "unknown_store",
        "wrong_sign",
        "not_blocked",
        "in_the_future",
        "type",
        "applied",
    ]
    assert await on_hand(shop) == 2


@pytest.mark.parametrize("delta", [0, 1.5, 10**12])
async def test_a_delta_that_cannot_be_is_named_and_nothing_is_stored(shop: Shop, delta: float):
    answer = await tell(shop, "adjustments", line(delta=delta, reason="found"))

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/lines/0/delta"]


async def test_a_setting_needs_the_version_that_was_seen(shop: Shop):
    await shelve(shop.units, mug=5)
    stale, fresh = await results(
        shop, "sets", line(on_hand=9, if_version=1), line(on_hand=7, if_version=2)
    )

    assert (stale["status"], stale["code"], stale["version"], stale["on_hand"]) == (
        "rejected",
        "version_conflict",
        2,
        5,
    )
    assert (fresh["status"], fresh["version"]) == ("applied", 3)
    assert await on_hand(shop) == 7


async def test_a_count_of_the_morning_still_feels_what_was_sold_since(shop: Shop):
    await shelve(shop.units, mug=10)
    await results(
        shop,
        "adjustments",
        line(delta=-1, reason="lost", occurred_at=ago(90)),
        line(delta=-1, reason="lost", occurred_at=ago(30)),
    )
    counted = line(counted=8, counted_at=ago(60))
    first = await results(shop, "counts", counted)
    again = await results(shop, "counts", counted)

    # The shelves were filled just now, so the ten that came after the count are applied again.
    assert (first[0]["status"], first[0]["on_hand"]) == ("applied", 8 - 1 + 10)
    assert again[0]["status"] == "duplicate"


async def test_a_count_by_a_clock_that_is_ahead_feels_what_is_sold_after_it(shop: Shop):
    await shelve(shop.units, mug=10)
    counted = line(counted=8, counted_at=ago(-4))
    first = await results(shop, "counts", counted)
    await results(shop, "adjustments", line(delta=-1, reason="lost"))
    again = await results(shop, "counts", counted)

    assert [one["status"] for one in [*first, *again]] == ["applied", "duplicate"]
    assert await on_hand(shop) == 7


async def test_a_count_has_seen_what_was_adjusted_by_a_clock_that_is_ahead(shop: Shop):
    await shelve(shop.units, mug=10)
    await results(shop, "adjustments", line(delta=-1, reason="lost", occurred_at=ago(-4)))
    told = await results(shop, "counts", line(counted=9, counted_at=datetime.now(UTC).isoformat()))

    assert told[0]["on_hand"] == 9


@pytest.mark.parametrize("count_first", [True, False])
async def test_a_count_has_seen_what_was_adjusted_before_it_in_whatever_order_they_come(
    shop: Shop, count_first: bool
):
    await results(shop, "adjustments", line(delta=10, reason="received", occurred_at=ago(300)))
    told = [
        ("counts", line(counted=8, counted_at=ago(60))),
        ("adjustments", line(delta=-1, reason="lost", occurred_at=ago(90), reference="late")),
        ("adjustments", line(delta=-1, reason="lost", occurred_at=ago(90), reference="late")),
        ("adjustments", line(delta=2, reason="found", condition="damaged", occurred_at=ago(80))),
        ("adjustments", line(delta=-1, reason="lost", occurred_at=ago(30))),
    ]
    if not count_first:
        told.append(told.pop(0))
    answers = [(await results(shop, verb, one))[0] for verb, one in told]
    office = await shop.office()
    ledger = (await shop.client.get(f"/v1/stock/{MUG}/movements", headers=office)).json()["items"]
    item = (await shop.client.get(f"/v1/stock/{MUG}?store={HARBOUR}", headers=office)).json()

    assert Counter(one["status"] for one in answers) == {"applied": 4, "duplicate": 1}
    assert answers[-1]["on_hand"] == item["items"][0]["on_hand"] == 8 - 1
    assert item["items"][0]["unavailable"] == 2
    assert Counter(one["on_hand"] for one in ledger if one["kind"] == "lost") == {-1: 2}
    assert sum(one["on_hand"] for one in ledger) == 7
    if count_first:
        undone = next(one for one in ledger if one["cause"] == "count:adjustment:late")
        assert (undone["kind"], undone["on_hand"]) == ("count", 1)


async def test_a_late_adjustment_and_a_newer_one_in_one_batch_are_each_answered(shop: Shop):
    await results(shop, "counts", line(counted=8, counted_at=ago(60)))
    told = await results(
        shop,
        "adjustments",
        line(delta=-3, reason="lost", occurred_at=ago(90)),
        line(delta=-1, reason="lost", occurred_at=ago(30)),
    )

    assert [(one["status"], one["on_hand"]) for one in told] == [("applied", 8), ("applied", 7)]
    assert told[1]["version"] == told[0]["version"]
    assert await on_hand(shop) == 7


async def test_an_older_count_changes_nothing_after_a_newer_one(shop: Shop):
    await results(shop, "counts", line(counted=8, counted_at=ago(10)))
    told = await results(shop, "counts", line(counted=3, counted_at=ago(20)))

    assert told[0]["status"] == "duplicate"
    assert await on_hand(shop) == 8


async def test_an_associate_counts_at_home_and_nowhere_else(shop: Shop):
    at_home = await shop.associate(HARBOUR)
    own = await tell(shop, "counts", line(counted=1, counted_at=ago(1)), headers=at_home)
    other = await tell(
        shop, "counts", line(store=HILL, counted=1, counted_at=ago(1)), headers=at_home
    )
    adjusting = await tell(shop, "adjustments", line(delta=1, reason="found"), headers=at_home)

    assert (own.status_code, adjusting.status_code) == (200, 403)
    assert other.json()["results"][0]["code"] == "unknown_store"
    async with shop.units.read() as unit:
        assert await unit.connection.fetchval("select resource from access_denials") == HILL


async def test_what_was_known_at_a_past_instant_can_be_asked(shop: Shop):
    await results(shop, "adjustments", line(delta=5, reason="received"))
    between = datetime.now(UTC).isoformat().replace("+", "%2B")
    await results(
        shop, "adjustments", line(delta=2, reason="received"), line(TEAPOT, delta=1, reason="found")
    )
    answer = await shop.client.get(f"/v1/stock/{MUG}?at={between}", headers=await shop.office())

    assert [(item["store"], item["on_hand"]) for item in answer.json()["items"]] == [(HARBOUR, 5)]
    assert await on_hand(shop) == 7


async def test_a_till_sees_the_shelves_of_its_own_store(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, mug=5)
    till = await shop.till(HARBOUR)
    own = await shop.client.get(f"/v1/stock/{MUG}", headers=till)
    other = await shop.client.get(f"/v1/stock/{MUG}?store={HILL}", headers=till)

    assert [item["store"] for item in own.json()["items"]] == [HARBOUR]
    assert other.status_code == 404


async def test_a_late_count_changes_nothing_of_what_was_set_since(shop: Shop):
    await shelve(shop.units, mug=10)
    await results(shop, "sets", line(on_hand=7, if_version=2))
    told = await results(shop, "counts", line(counted=7, counted_at=ago(1)))

    assert told[0]["status"] == "duplicate"
    assert await on_hand(shop) == 7


async def test_the_version_that_is_told_is_one_that_the_shelf_has(shop: Shop):
    await shelve(shop.units, mug=5)
    up_and_down = await results(
        shop, "adjustments", line(delta=1, reason="found"), line(delta=-1, reason="lost")
    )
    after = await results(shop, "sets", line(on_hand=9, if_version=up_and_down[1]["version"]))

    assert [one["version"] for one in up_and_down] == [2, 2]
    assert after[0]["status"] == "applied"


async def test_a_rejected_line_does_not_use_up_its_reference(shop: Shop):
    wrong, right = await results(
        shop,
        "adjustments",
        line(delta=-1, reason="received", reference="delivery 7"),
        line(delta=1, reason="received", reference="delivery 7"),
    )

    assert (wrong["code"], right["status"]) == ("wrong_sign", "applied")


async def test_no_shelf_holds_more_than_can_be(shop: Shop):
    most = line(delta=10**9, reason="found")
    told = await results(shop, "adjustments", most, most)

    assert [one.get("code", one["status"]) for one in told] == ["applied", "too_much"]


@pytest.mark.parametrize("at", ["2026-01-01T12:00:00", "2999-01-01T12:00:00Z"])
async def test_a_past_instant_has_an_offset_and_is_past(shop: Shop, at: str):
    answer = await shop.client.get(f"/v1/stock/{MUG}?at={at}", headers=await shop.office())

    assert answer.status_code == 422


OUT_OF_TIME = ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]


@pytest.mark.parametrize("moment", OUT_OF_TIME)
async def test_a_time_outside_of_all_calendars_is_its_lines_refusal_only(shop: Shop, moment: str):
    counted = await results(
        shop,
        "counts",
        line(counted=7, counted_at=ago(3)),
        line(TEAPOT, counted=7, counted_at=moment),
    )
    adjusted = await results(
        shop,
        "adjustments",
        line(delta=1, reason="found"),
        line(delta=1, reason="found", occurred_at=moment),
    )

    assert [one.get("code", one["status"]) for one in counted] == ["applied", "out_of_range"]
    assert [one.get("code", one["status"]) for one in adjusted] == ["applied", "out_of_range"]
    assert counted[1]["detail"].startswith("counted_at")


@pytest.mark.parametrize("moment", OUT_OF_TIME)
async def test_nothing_is_known_of_a_time_outside_of_all_calendars(shop: Shop, moment: str):
    answer = await shop.client.get(
        f"/v1/stock/{MUG}", params={"at": moment}, headers=await shop.office()
    )

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["parameter"], error["code"]) == (422, "at", "out_of_range")


@pytest.mark.parametrize(
    "spoilt",
    [
        rb'"\u0000"',
        rb'"\ud800"',
        rb'"\q"',
        b"[" * 3000 + b"]" * 3000,
        b'{"a":' * 3000 + b"[]" + b"}" * 3000,
    ],
)
async def test_a_line_that_is_no_json_stops_none_of_the_others(shop: Shop, spoilt: bytes):
    good = b'{"store":"harbour","sku":"MUG","delta":1,"reason":"found","reference":"a, ] }"}'
    bad = good.replace(b'"a, ] }"', spoilt)
    answer = await shop.client.post(
        "/v1/stock/adjustments",
        content=b'{"lines": [' + b", ".join([good, bad, good]) + b"]}",
        headers=await shop.office()
        | {"Idempotency-Key": shop.fresh(), "Content-Type": "application/json"},
    )

    assert answer.status_code == 200, answer.text
    statuses = [one["status"] for one in answer.json()["results"]]
    assert statuses == ["applied", "rejected", "duplicate"]


@pytest.mark.parametrize(
    "body",
    [
        rb'{"lines": ["\ud800",]}',
        rb'{"lines": ["\ud800"]',
        rb'{"lines": ["\ud800"]}}',
        rb'[["\ud800"]]',
        rb'{"lines": {"a": "\ud800"}}',
        rb'{"lines": ["\ud800"], "more": []}',
    ],
)
async def test_a_batch_that_is_no_json_is_unreadable_as_a_whole(shop: Shop, body: bytes):
    answer = await shop.client.post(
        "/v1/stock/adjustments",
        content=body,
        headers=await shop.office()
        | {"Idempotency-Key": shop.fresh(), "Content-Type": "application/json"},
    )

    assert answer.status_code in {400, 422}, answer.text


def test_a_batch_of_brackets_without_end_that_is_no_json_keeps_nobody_waiting():
    with pytest.raises(ClientException):
        split_items(b"[" * 1_000_001)

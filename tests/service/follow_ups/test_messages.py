"""What a customer can rely on, whatever happens between the shop and its providers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from adapters.postgres.db.statements import Statement
from adapters.postgres.follow_ups import repository as messages
from domain.contact.channels import (
    DeliveryFault,
    DeliveryOutcome,
    DeliveryUnknown,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
    OutgoingMessage,
)
from domain.contact.consent import Consent, ConsentAction, Purpose
from domain.contact.preferences import QuietHours
from domain.follow_ups.content import Content, RenderedContent
from domain.follow_ups.messages import LEASE_TTL, MAX_TRIES, Message, MessageKind, MessageState
from domain.kernel.ids import MessageId
from service.administration.reactions import process_events, reactions
from service.follow_ups import send_messages as sending
from service.follow_ups.send_messages import recover_lost, send_due, send_next
from service.fulfilment.expire_pickups import expire_pickups
from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.examples import HARBOUR, HILL, MUG, shelve
from tests.support.messages import ME, MONDAY_NOON, SAUCER, TRAY, Post, Waiting, waiting

HARD_BOUNCE = MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.1.1")
GREYLISTED = MessageRejected(DeliveryFault.TRANSIENT, "4.7.1")
NUMBER = "+46701740605"


@pytest.fixture
async def ready(database_url: str, tmp_path: Path) -> AsyncIterator[Waiting]:
    async with waiting(database_url, tmp_path) as ready:
        yield ready


def yes(
    channel: MessageChannel = MessageChannel.EMAIL, action: ConsentAction = ConsentAction.GRANTED
) -> Consent:
    return Consent(
        purpose=Purpose.MARKETING,
        channel=channel,
        action=action,
        at=MONDAY_NOON,
        source="test",
        actor=ME,
    )


async def give_phone(ready: Waiting) -> None:
    changed = await ready.shop.client.patch("/v1/me", json={"phone": NUMBER}, headers=ready.headers)
    assert changed.status_code == 200, changed.text


async def deliver(ready: Waiting) -> None:
    while await send_next(ready.units, ready.desk):
        pass


def verdicts(message: Message, what: str) -> dict[MessageChannel | None, str]:
    return {one.channel: one.verdict for one in message.trace if one.what == what}


async def test_a_customer_hears_once_that_the_order_is_ready(ready: Waiting):
    await ready.tell()
    await ready.tell()
    await deliver(ready)

    [letter] = ready.post.sent
    message = await ready.message()
    assert (letter.channel, letter.address) == (MessageChannel.EMAIL, "sample-1@example.com")
    assert letter.locale == "sv"
    assert letter.subject == "Din beställning är klar att hämta hos Harbour"
    assert ready.desk.codes.handover_code(ready.pickup, 1) in letter.text
    assert f"https://shop.example.com/orders/{ready.order}" in letter.text
    assert "1 \N{MULTIPLICATION SIGN} Mugg" in letter.text
    assert "Öppet i dag: 08:00" in letter.text
    assert (message.state, message.purpose) == (MessageState.SENT, Purpose.SERVICE)
    assert message.sent_at == MONDAY_NOON
    assert message.about.pickup == ready.pickup


async def test_a_guest_is_told_in_the_language_of_the_order(database_url: str, tmp_path: Path):
    async with waiting(database_url, tmp_path, guest=True, email="guest@example.com") as ready:
        await ready.tell()
        await deliver(ready)

        [letter] = ready.post.sent
        assert letter.address == "guest@example.com"
        assert letter.subject == "Din ordre er klar til afhentning hos Harbour"


async def test_a_guest_without_an_address_gets_a_short_text(database_url: str, tmp_path: Path):
    async with waiting(database_url, tmp_path, guest=True, phone=NUMBER) as ready:
        await ready.tell()
        await deliver(ready)

        [text] = ready.post.sent
        assert (text.channel, text.address) == (MessageChannel.SMS, NUMBER)
        assert (text.subject, text.html) == (None, None)


async def test_the_stated_channel_goes_first(ready: Waiting):
    await give_phone(ready)
    await ready.prefer(preferred_channels=[MessageChannel.WHATSAPP, MessageChannel.EMAIL])
    await ready.tell()
    await deliver(ready)

    message = await ready.message()
    assert [one.channel for one in ready.post.sent] == [MessageChannel.WHATSAPP]
    assert verdicts(message, "channel") == {
        MessageChannel.WHATSAPP: "chosen",
        MessageChannel.EMAIL: "second_choice",
        MessageChannel.SMS: "second_choice",
        **dict.fromkeys(set(MessageChannel) - {"whatsapp", "email", "sms"}, "not_stated"),
    }


async def test_nobody_is_disturbed_in_quiet_hours(ready: Waiting):
    ready.clock.now = datetime.fromisoformat("2026-11-23T22:30:00+01:00")
    await ready.prefer(quiet_hours=QuietHours("21:00", "08:00"))
    await ready.tell()
    await deliver(ready)
    asleep = await ready.message()
    ready.clock.now = datetime.fromisoformat("2026-11-24T08:00:00+01:00")
    await deliver(ready)

    assert (asleep.state, asleep.reason) == (MessageState.PLANNED, "quiet")
    assert asleep.planned_for == ready.clock.now
    assert (await ready.message()).sent_at == ready.clock.now


async def test_quiet_hours_are_the_customers_own_wherever_the_store_is(ready: Waiting):
    ready.clock.now = datetime.fromisoformat("2026-11-23T12:00:00+01:00")
    await ready.prefer(quiet_hours=QuietHours("21:00", "08:00"), time_zone="America/Los_Angeles")
    await ready.tell()
    await deliver(ready)

    asleep = await ready.message()
    assert asleep.planned_for == datetime.fromisoformat("2026-11-23T08:00:00-08:00")


async def test_a_pickup_that_was_cancelled_is_not_announced(ready: Waiting):
    await ready.tell()
    await ready.cancel()
    await deliver(ready)

    message = await ready.message()
    assert ready.post.sent == []
    assert (message.state, message.reason) == (MessageState.CANCELLED, "not_waiting")


async def test_what_is_too_late_is_not_sent_late(ready: Waiting):
    await ready.tell()
    ready.clock.now += timedelta(days=30)
    await deliver(ready)

    message = await ready.message()
    assert ready.post.sent == []
    assert (message.state, message.reason) == (MessageState.EXPIRED, "stale")


async def test_a_passing_trouble_is_tried_again_later(ready: Waiting):
    ready.post.answers = [GREYLISTED]
    await ready.tell()
    await deliver(ready)
    waiting_for_it = await ready.message()
    ready.clock.now = waiting_for_it.planned_for
    await deliver(ready)

    assert waiting_for_it.state is MessageState.PLANNED
    assert waiting_for_it.planned_for == MONDAY_NOON + timedelta(seconds=30)
    assert [one.id for one in ready.post.sent] == [waiting_for_it.id] * 2
    assert (await ready.message()).state is MessageState.SENT


async def test_a_provider_that_asks_for_patience_gets_it(ready: Waiting):
    ready.post.answers = [MessageRejected(DeliveryFault.THROTTLED, "429", timedelta(minutes=7))]
    await ready.tell()
    await deliver(ready)

    assert (await ready.message()).planned_for == MONDAY_NOON + timedelta(minutes=7)


async def test_an_address_that_does_not_exist_leads_to_the_next_channel(ready: Waiting):
    await give_phone(ready)
    ready.post.answers = [HARD_BOUNCE]
    await ready.tell()
    await deliver(ready)

    message = await ready.message()
    assert [one.channel for one in ready.post.sent] == [MessageChannel.EMAIL, MessageChannel.SMS]
    assert (message.state, message.channel) == (MessageState.SENT, MessageChannel.SMS)
    assert "permanent_address 5.1.1" in verdicts(message, "provider").values()


async def test_who_cannot_be_reached_at_all_is_seen_by_staff(ready: Waiting):
    ready.post.answers = [HARD_BOUNCE]
    await ready.tell()
    await deliver(ready)

    message = await ready.message()
    assert len(ready.post.sent) == 1
    assert (message.state, message.reason) == (MessageState.UNDELIVERABLE, "permanent_address")


async def test_without_any_open_channel_the_message_says_so(ready: Waiting):
    ready.post.open = frozenset()
    await ready.tell()
    await deliver(ready)

    message = await ready.message()
    assert (message.state, message.reason) == (MessageState.SUPPRESSED, "no_channel")
    assert verdicts(message, "channel")[MessageChannel.EMAIL] == "no_provider"


async def test_two_senders_send_one_message_once(ready: Waiting):
    await ready.tell()

    done = await asyncio.gather(*(send_next(ready.units, ready.desk) for _ in range(10)))

    assert Counter(done) == {True: 1, False: 9}
    assert len(ready.post.sent) == 1


async def test_without_the_lock_they_would_send_it_again_and_again(
    ready: Waiting, monkeypatch: pytest.MonkeyPatch
):
    unlocked = Statement(messages.NEXT_DUE.text.replace("for update skip locked", ""))
    monkeypatch.setattr(messages, "NEXT_DUE", unlocked)
    look = messages.PostgresMessages.get_due_for_update

    async def look_and_linger(*args: Any) -> Any:
        found = await look(*args)
        await asyncio.sleep(0.2)  # so that all look before anybody has written
        return found

    monkeypatch.setattr(messages.PostgresMessages, "get_due_for_update", look_and_linger)
    await ready.tell()

    await asyncio.gather(*(send_next(ready.units, ready.desk) for _ in range(10)))

    assert len(ready.post.sent) > 1


async def test_many_messages_go_out_side_by_side_and_each_once(ready: Waiting):
    for revision in range(1, 9):
        await ready.tell(revision)

    assert await send_due(ready.units, ready.desk) == 8

    states = Counter(message.state for message in await ready.messages())
    assert states == {MessageState.SENT: 1, MessageState.CANCELLED: 7}


class Crash(BaseException):
    """The process is gone."""


class Dying(Post):
    """The sender dies when the provider has taken the message."""

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        await super().send(message)
        raise Crash


async def crash(ready: Waiting) -> None:
    dying = structs.replace(ready.desk, channels=Dying(answers=[], sent=ready.post.sent))
    with pytest.raises(Crash):
        await send_next(ready.units, dying)


async def test_after_a_crash_nobody_sends_before_the_lease_ends(ready: Waiting):
    await ready.tell()
    await crash(ready)
    ready.clock.now += LEASE_TTL - timedelta(seconds=1)

    assert not await recover_lost(ready.units)
    assert not await send_next(ready.units, ready.desk)
    assert (await ready.message()).state is MessageState.CLAIMED


async def test_that_an_order_is_ready_is_told_again_after_a_crash_under_the_same_id(
    ready: Waiting,
):
    await ready.tell()
    await crash(ready)
    ready.clock.now += LEASE_TTL
    assert await recover_lost(ready.units)
    ready.clock.now += timedelta(minutes=1)
    await deliver(ready)

    message = await ready.message()
    assert [one.id for one in ready.post.sent] == [message.id] * 2
    assert message.state is MessageState.SENT


async def test_advertising_is_never_sent_a_second_time_on_the_off_chance(ready: Waiting):
    await ready.consent(yes())
    await shelve(ready.units, HARBOUR, saucer=1)
    await ready.collect()
    await crash(ready)
    ready.clock.now += LEASE_TTL
    assert await recover_lost(ready.units)
    ready.clock.now += timedelta(days=1)
    await deliver(ready)

    message = await ready.message()
    assert len(ready.post.sent) == 1
    assert (message.state, message.reason) == (MessageState.UNKNOWN, "no_answer")
    assert message.purpose is Purpose.MARKETING


async def test_a_lost_answer_is_not_taken_for_a_no(ready: Waiting):
    await ready.collect()
    ready.post.answers = [DeliveryUnknown("SMTPReadTimeoutError")]
    await deliver(ready)
    ready.clock.now += timedelta(days=1)
    await deliver(ready)

    message = await ready.message()
    assert (len(ready.post.sent), message.state) == (1, MessageState.UNKNOWN)


class Slow(Post, kw_only=True):
    """Says yes only when told."""

    said: asyncio.Event

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        self.sent.append(message)
        await self.said.wait()
        return MessageAccepted("late")


async def test_a_late_yes_counts_and_spares_the_customer_a_double(ready: Waiting):
    slow = Slow(answers=[], sent=[], said=asyncio.Event())
    desk = structs.replace(ready.desk, channels=slow)
    await ready.tell()
    sending = asyncio.create_task(send_next(ready.units, desk))
    while not slow.sent:
        await asyncio.sleep(0.01)
    ready.clock.now += LEASE_TTL
    await recover_lost(ready.units)
    slow.said.set()
    await sending
    ready.clock.now += timedelta(days=1)
    await deliver(ready)

    message = await ready.message()
    assert (message.state, message.provider_id) == (MessageState.SENT, "late")
    assert ready.post.sent == []


async def test_a_provider_that_never_answers_is_not_waited_for_past_the_lease(
    ready: Waiting, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "SEND_TIMEOUT", timedelta(milliseconds=50))
    silent = Slow(answers=[], sent=[], said=asyncio.Event())
    await ready.collect()
    await send_next(ready.units, structs.replace(ready.desk, channels=silent))

    message = await ready.message()
    assert (message.state, message.reason) == (MessageState.UNKNOWN, "no_answer")
    assert message.trace[-1].verdict == "too_slow"


async def test_a_message_that_cannot_be_written_holds_up_nobody(ready: Waiting):
    await ready.tell()
    await ready.tell(2)
    desk = structs.replace(ready.desk, rendering=Stuttering())
    for _ in range(2 * MAX_TRIES):
        with suppress(Stutter):
            await send_due(ready.units, desk)
        ready.clock.now += timedelta(hours=1)

    first, second = await ready.messages()
    assert (first.state, first.reason) == (MessageState.FAILED, "broken")
    assert (second.state, second.reason) == (MessageState.CANCELLED, "not_waiting")


class Stutter(Exception):
    pass


class Stuttering:
    def render(self, letter: Content, *, channel: MessageChannel, locale: str) -> RenderedContent:
        raise Stutter(letter, channel, locale)


async def test_everyone_is_thanked_after_the_handover(ready: Waiting):
    await ready.collect()
    await ready.thank()
    await deliver(ready)

    [letter] = ready.post.sent
    message = await ready.message()
    assert letter.subject == "Tack för ditt köp"
    assert "1 \N{MULTIPLICATION SIGN} Mugg" in letter.text
    assert "Köpet gav dig 10 poäng. Du har nu 10 poäng." in letter.text
    assert letter.unsubscribe_url is None
    assert message.purpose is Purpose.SERVICE
    assert verdicts(message, "suggestion") == {None: "no_consent"}


async def cancel(ready: Waiting) -> None:
    await ready.cancel()
    ready.clock.now = datetime.now(UTC) + timedelta(seconds=1)


async def let_expire(ready: Waiting) -> None:
    ready.clock.now = datetime.now(UTC) + timedelta(days=30)
    assert await expire_pickups(ready.units) == 1


@pytest.mark.parametrize("end", [cancel, let_expire])
async def test_who_took_a_part_is_thanked_for_it_once_the_rest_is_over(
    database_url: str, tmp_path: Path, end: Callable[[Waiting], Awaitable[None]]
):
    async with waiting(database_url, tmp_path, mugs=3) as ready:
        await ready.hand_over(lines=[{"sku": MUG, "quantity": 2}])
        await end(ready)
        await process_events(ready.units, reactions(thank_after=timedelta(0)))
        await deliver(ready)

        [letter] = ready.post.sent
        assert letter.kind == MessageKind.THANK_YOU
        assert "2 \N{MULTIPLICATION SIGN} Mugg" in letter.text


async def test_who_took_nothing_is_not_thanked(ready: Waiting):
    await cancel(ready)
    await process_events(ready.units, reactions(thank_after=timedelta(0)))
    await deliver(ready)

    assert ready.post.sent == []


async def test_thanks_wait_as_long_as_the_rule_says(ready: Waiting):
    await ready.thank(after=timedelta(hours=2))

    assert (await ready.message()).planned_for == MONDAY_NOON + timedelta(hours=2)
    assert not await send_next(ready.units, ready.desk)


async def test_a_suggestion_lies_in_that_very_store(ready: Waiting):
    await ready.consent(yes())
    await shelve(ready.units, HILL, saucer=5)
    await shelve(ready.units, HARBOUR, tray=1)
    await ready.collect()
    await deliver(ready)

    [letter] = ready.post.sent
    message = await ready.message()
    assert "Tray" in letter.text
    assert "Saucer" not in letter.text
    assert message.purpose is Purpose.MARKETING
    assert verdicts(message, "suggestion") == {None: TRAY}
    assert letter.unsubscribe_url is not None
    assert letter.unsubscribe_url.startswith(f"https://hylla.example.com/u/{ME}.email.")


@pytest.mark.parametrize(
    ("consents", "verdict"),
    [
        ([], "no_consent"),
        ([yes(MessageChannel.SMS)], "no_consent"),
        ([yes(), yes(action=ConsentAction.WITHDRAWN)], "no_consent"),
        ([yes(action=ConsentAction.DENIED)], "no_consent"),
        ([yes(action=ConsentAction.WITHDRAWN), yes()], SAUCER),
    ],
)
async def test_nothing_is_suggested_without_a_yes_for_that_channel(
    ready: Waiting, consents: list[Consent], verdict: str
):
    for consent in consents:
        await ready.consent(consent)
    await shelve(ready.units, HARBOUR, saucer=1)
    await ready.collect()
    await deliver(ready)

    assert verdicts(await ready.message(), "suggestion") == {None: verdict}
    assert ("Saucer" in ready.post.sent[0].text) == (verdict == SAUCER)


async def test_a_yes_withdrawn_before_it_goes_out_counts(ready: Waiting):
    await ready.consent(yes())
    await shelve(ready.units, HARBOUR, saucer=1)
    await ready.collect()
    await ready.consent(yes(action=ConsentAction.WITHDRAWN))
    await deliver(ready)

    assert "Saucer" not in ready.post.sent[0].text


async def test_what_is_sold_out_meanwhile_is_not_suggested(ready: Waiting):
    await ready.consent(yes())
    await ready.collect()
    await deliver(ready)

    assert verdicts(await ready.message(), "suggestion") == {None: "no_sellable_item"}


@pytest.mark.parametrize(("cancelled", "offered"), [(False, TRAY), (True, SAUCER)])
async def test_what_was_bought_is_not_suggested_unless_it_was_cancelled(
    ready: Waiting, cancelled: bool, offered: str
):
    await ready.consent(yes())
    await shelve(ready.units, HARBOUR, saucer=5, tray=5)
    placed = await order(ready.shop, await a_cart(ready.shop, ready.headers, saucer=1), "saucer")
    if cancelled:
        await ready.shop.client.post(
            f"/v1/pickups/{placed.json()['groups'][0]['pickup']}/cancel",
            json={},
            headers=ready.headers | {"Idempotency-Key": "no-saucer"},
        )
    await ready.collect()
    await deliver(ready)

    assert verdicts(await ready.message(), "suggestion") == {None: offered}


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        ({"weekly_maximum": 0}, "capped"),
        ({"weekly_maximum": 1}, SAUCER),
        ({"snooze_until": MONDAY_NOON + timedelta(days=1)}, "snoozed"),
        ({"snooze_until": MONDAY_NOON}, SAUCER),
    ],
)
async def test_a_customer_decides_how_much_advertising_there_is(
    ready: Waiting, stated: dict[str, object], verdict: str
):
    await ready.consent(yes())
    await ready.prefer(**stated)
    await shelve(ready.units, HARBOUR, saucer=1)
    await ready.collect()
    await deliver(ready)

    assert verdicts(await ready.message(), "suggestion") == {None: verdict}
    assert len(ready.post.sent) == 1


async def advertise(ready: Waiting, thanks: int) -> int:
    """Send many thanks at once to who wants one offer a week; how many offers went out."""
    await ready.consent(yes())
    await ready.prefer(weekly_maximum=1)
    await shelve(ready.units, HARBOUR, saucer=99)
    await ready.collect()
    first = await ready.message()
    async with ready.units.begin() as unit:
        for number in range(1, thanks):
            one = structs.replace(first, id=MessageId(f"msg_{number}"), key=f"another {number}")
            await unit.follow_ups.messages.add(one)
    await asyncio.gather(*(send_next(ready.units, ready.desk) for _ in range(thanks)))
    assert len(ready.post.sent) == thanks
    return sum(letter.purpose is Purpose.MARKETING for letter in ready.post.sent)


@pytest.fixture
def slow_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between counting and claiming there is time for everybody else to count too."""
    slow = Statement(f"select count from ({messages.MARKETING}) as sent, pg_sleep(0.2)")
    monkeypatch.setattr(messages, "MARKETING", slow)


async def test_the_weeks_advertising_is_counted_by_one_sender_at_a_time(
    ready: Waiting, slow_count: None
):
    assert await advertise(ready, thanks=4) == 1


async def test_without_the_lock_each_sender_would_count_none(
    ready: Waiting, slow_count: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(messages, "LOCK_READER", Statement("select :customer::text"))

    assert await advertise(ready, thanks=4) > 1


async def test_an_offer_of_which_nobody_knows_whether_it_went_out_counts(ready: Waiting):
    ready.post.answers.append(DeliveryUnknown("no_answer"))

    assert await advertise(ready, thanks=1) == 1
    first = await ready.message()
    async with ready.units.begin() as unit:
        counted = await unit.follow_ups.messages.count_marketing_since(
            ME, MONDAY_NOON - timedelta(days=7)
        )

    assert first.state is MessageState.UNKNOWN
    assert counted == 1

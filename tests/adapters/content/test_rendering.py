"""What a reader finds in the messages of the shop, in every language and on every channel."""

import re
import tomllib
from datetime import datetime
from html.parser import HTMLParser
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError
from msgspec.structs import replace

from adapters.content.rendering import (
    TEMPLATE_FOLDER,
    JinjaRenderer,
    build_environment,
    load_translations,
)
from domain.contact.channels import CONTENT_FORMATS, ContentForm, MessageChannel
from domain.follow_ups.content import (
    Content,
    ContentItem,
    ContentStore,
    OrderLinkContent,
    OrderShortContent,
    PaymentRefundedContent,
    PaymentVoidedContent,
    PickupReadyContent,
    Retailer,
    ShipmentSentContent,
    Suggestion,
    ThankYouContent,
)
from domain.follow_ups.messages import MessageKind
from domain.kernel.locales import LOCALES, fallback_chain, resolve_locale
from domain.kernel.money import Money

OSLO = ZoneInfo("Europe/Oslo")


def at(hour: int, day: int = 26) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=OSLO)


HARBOUR = ContentStore(
    name="Harbour",
    country="NO",
    address="Bryggegata 1",
    postal_code="0250",
    city="Oslo",
    today=[(at(10), at(20))],
)
SHOP = Retailer("Mugs & More", email="help@example.com")
MUG = ContentItem(
    name="Mug", names={"nb": "Krus", "da": "Krus", "sv": "Mugg", "ro": "Cană"}, quantity=2
)
READY = PickupReadyContent(
    retailer=SHOP,
    order="ord_7",
    store=HARBOUR,
    items=[MUG],
    code="482913",
    collect_by=at(18),
    order_url="https://shop.example.com/orders/ord_7",
)
THANKS = ThankYouContent(
    retailer=SHOP,
    order="ord_7",
    country="NO",
    store=HARBOUR,
    items=[MUG],
    earned=12,
    balance=1340,
    suggestion=Suggestion(name="Saucer", price=Money(12900, "NOK")),
    unsubscribe_url="https://shop.example.com/u/abc",
)
BARE_THANKS = replace(
    THANKS,
    retailer=Retailer("Mugs"),
    earned=None,
    balance=None,
    suggestion=None,
    unsubscribe_url=None,
)
SENT_THANKS = replace(THANKS, store=None)
SENT = ShipmentSentContent(
    retailer=SHOP,
    order="ord_7",
    country="NO",
    carrier="Sample Post",
    tracking_number="SP1",
    tracking_url="https://post.example.com/SP1",
    items=[MUG],
    to_come=[ContentItem(name="Teapot", quantity=1)],
    city="Bergen",
    order_url="https://shop.example.com/orders/ord_7",
)
BARE_SENT = replace(SENT, tracking_url=None, to_come=[], city=None, order_url=None)
SHORT = OrderShortContent(
    retailer=SHOP,
    order="ord_7",
    country="NO",
    items=[MUG],
    by_card=True,
    order_url="https://shop.example.com/orders/ord_7",
)
UNPAID_SHORT = replace(SHORT, by_card=False)
REFUNDED = PaymentRefundedContent(
    retailer=SHOP,
    order="ord_7",
    country="NO",
    amount=Money(49900, "NOK"),
    order_url="https://shop.example.com/orders/ord_7",
)
VOIDED = PaymentVoidedContent(
    retailer=SHOP,
    order="ord_7",
    country="NO",
    amount=Money(49900, "NOK"),
    order_url="https://shop.example.com/orders/ord_7",
)
LINK = OrderLinkContent(
    retailer=SHOP,
    order="ord_7",
    country="NO",
    items=[MUG],
    order_url="https://shop.example.com/orders/ord_7#ord_7.5f2a",
)
LETTERS = {
    "ready": READY,
    "thanks": THANKS,
    "bare": BARE_THANKS,
    "sent thanks": SENT_THANKS,
    "sent": SENT,
    "bare sent": BARE_SENT,
    "short": SHORT,
    "unpaid short": UNPAID_SHORT,
    "refunded": REFUNDED,
    "voided": VOIDED,
    "link": LINK,
}
RENDERING = JinjaRenderer()


def words(letter: Content, locale: str, channel: MessageChannel = MessageChannel.EMAIL) -> str:
    return RENDERING.render(letter, channel=channel, locale=locale).text


@pytest.mark.parametrize("channel", MessageChannel)
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_every_letter_is_whole_in_every_language_on_every_channel(letter, locale, channel):
    rendered = RENDERING.render(letter, channel=channel, locale=locale)

    shown = [rendered.text, rendered.subject or "", rendered.html or ""]
    assert rendered.locale == locale
    assert (rendered.html is not None) == (CONTENT_FORMATS[channel] is ContentForm.PAGE)
    assert (rendered.subject is not None) == (CONTENT_FORMATS[channel] is ContentForm.PAGE)
    assert not [text for text in shown if re.search(r"\{[{%]|%\}|\}\}|Undefined|None", text)]
    assert "  " not in rendered.text
    assert "\n" not in (rendered.subject or "")


@pytest.mark.parametrize("channel", [MessageChannel.EMAIL, MessageChannel.SMS])
@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_no_language_is_a_copy_of_another(letter, channel):
    texts = {locale: words(letter, locale, channel) for locale in LOCALES}

    assert not [pair for pair in combinations(LOCALES, 2) if texts[pair[0]] == texts[pair[1]]]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_every_sentence_and_none_too_many(locale):
    def keys(of: str) -> set[tuple[str, str]]:
        return {(part, key) for part, texts in load_translations(of).items() for key in texts}

    assert keys(locale) == keys("en")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_letter_says_what_its_reader_has_to_know(locale):
    rendered = RENDERING.render(READY, channel=MessageChannel.EMAIL, locale=locale)
    facts = ["482913", "ord_7", "Harbour", "Bryggegata 1", "/orders/ord_7", "help@example.com"]

    for shown in (rendered.text, rendered.html or ""):
        assert not [fact for fact in (*facts, MUG.name_for(locale, locale)) if fact not in shown]
    assert "482913" in words(READY, locale, MessageChannel.SMS)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("late", [REFUNDED, VOIDED])
def test_who_gets_money_back_reads_how_much_and_for_which_order(locale, late):
    rendered = RENDERING.render(late, channel=MessageChannel.EMAIL, locale=locale)

    for shown in (rendered.text, rendered.html or "", words(late, locale, MessageChannel.SMS)):
        assert not [fact for fact in ("499", "ord_7", "/orders/ord_7") if fact not in shown]


@pytest.mark.parametrize(
    ("locale", "refunded", "voided"),
    [
        ("en", "back on your card|on your card within about ten days", "only reserved"),
        ("sv", "tillbaka på kortet", "bara reserverat"),
        ("da", "tilbage på kortet", "kun reserveret"),
        ("nb", "tilbake på kortet", "bare reservert"),
        ("ro", "revine pe card", "doar rezervată"),
    ],
)
def test_only_a_captured_payment_comes_back_to_the_card(locale, refunded, voided):
    back, released = words(REFUNDED, locale), words(VOIDED, locale)

    assert re.search(refunded, back)
    assert voided not in back
    assert voided in released
    assert not re.search(refunded, released)


@pytest.mark.parametrize("locale", LOCALES)
def test_who_waits_for_a_parcel_reads_how_to_follow_it_what_is_in_it_and_what_is_not(locale):
    rendered = RENDERING.render(SENT, channel=MessageChannel.EMAIL, locale=locale)
    text = words(SENT, locale, MessageChannel.SMS)
    facts = ["Sample Post", "SP1", "https://post.example.com/SP1", "Bergen", "Teapot", "ord_7"]

    for shown in (rendered.text, rendered.html or ""):
        assert not [fact for fact in (*facts, MUG.name_for(locale, locale)) if fact not in shown]
    assert not [fact for fact in (*facts[:3], "ord_7") if fact not in text]
    assert "Teapot" not in words(BARE_SENT, locale)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_does_not_come_is_named_and_a_card_is_spoken_of_where_one_was_used(locale):
    by_card, unpaid = words(SHORT, locale), words(UNPAID_SHORT, locale)

    for shown in (by_card, unpaid):
        assert MUG.name_for(locale, locale) in shown
        assert "ord_7" in shown
    assert len(by_card) > len(unpaid) + 50


@pytest.mark.parametrize("channel", [MessageChannel.EMAIL, MessageChannel.SMS])
@pytest.mark.parametrize("locale", LOCALES)
def test_thanks_for_what_was_sent_name_no_store(locale, channel):
    assert "Harbour" in words(THANKS, locale, channel)
    assert "Harbour" not in words(SENT_THANKS, locale, channel)


@pytest.mark.parametrize(
    ("locale", "until", "open_today"),
    [
        ("en", "Collect by: Thursday 26 November at 18:00", "Open today: 10:00\N{EN DASH}20:00"),
        ("nb", "Hent innen: torsdag 26. november kl. 18:00", "Åpent i dag: 10:00\N{EN DASH}20:00"),
        ("sv", "Hämta senast: torsdag 26 november kl. 18:00", "Öppet i dag: 10:00\N{EN DASH}20:00"),
        (
            "da",
            "Hent senest: torsdag den 26. november kl. 18.00",
            "Åbent i dag: 10.00\N{EN DASH}20.00",
        ),
        (
            "ro",
            "De ridicat până: joi, 26 noiembrie, ora 18:00",
            "Program astăzi: 10:00\N{EN DASH}20:00",
        ),
    ],
)
def test_days_and_hours_are_the_stores_own_in_the_readers_words(locale, until, open_today):
    text = words(READY, locale)

    assert until in text
    assert open_today in text


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ([], "Open today: closed today"),
        ([(at(0), at(0, 27))], "Open today: round the clock"),
        (
            [(at(9), at(12)), (at(13), at(17))],
            "Open today: 09:00\N{EN DASH}12:00, 13:00\N{EN DASH}17:00",
        ),
    ],
)
def test_unusual_hours_are_said_plainly(today, said):
    assert said in words(replace(READY, store=replace(HARBOUR, today=today)), "en")


def test_hours_that_nobody_told_are_not_made_up():
    letter = replace(READY, store=replace(HARBOUR, today=None))

    assert "Open today" not in words(letter, "en")


@pytest.mark.parametrize(
    ("locale", "price"),
    [("nb", "129,00 kr"), ("en", "129,00 kr"), ("da", "129,00 NOK"), ("ro", "129,00 NOK")],
)
def test_money_is_written_as_the_reader_writes_it(locale, price):
    assert price in words(THANKS, locale).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("locale", "points", "said"),
    [
        ("en", 1, "1 point."),
        ("en", 2, "2 points."),
        ("nb", 1, "1 poeng."),
        ("ro", 1, "1 punct."),
        ("ro", 2, "2 puncte."),
        ("ro", 119, "119 puncte."),
        ("ro", 120, "120 de puncte."),
        ("da", 1340, "1.340 point."),
    ],
)
def test_points_are_counted_as_the_language_counts(locale, points, said):
    assert said in words(replace(THANKS, balance=points), locale)


def test_without_consent_nothing_is_suggested_and_there_is_nothing_to_stop():
    text = words(replace(THANKS, suggestion=None, unsubscribe_url=None), "en")

    assert "Goes well" not in text
    assert "Stop receiving" not in text


def test_who_is_no_member_reads_nothing_of_points():
    assert "point" not in words(BARE_THANKS, "en")


def test_what_people_wrote_cannot_become_part_of_the_page():
    evil = "<script>alert('x')</script>{{ 7 * 7 }}"
    letter = replace(
        READY,
        items=[ContentItem(name=evil, quantity=1)],
        store=replace(HARBOUR, name=evil, address=evil),
        retailer=replace(SHOP, name=evil),
    )
    rendered = RENDERING.render(letter, channel=MessageChannel.EMAIL, locale="en")

    assert rendered.html is not None
    assert "<script" not in rendered.html
    assert "&lt;script&gt;" in rendered.html
    assert "{{ 7 * 7 }}" in rendered.html
    assert evil in rendered.text


class Tags(HTMLParser):
    """The tags that are open; what is left at the end was never closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_the_page_is_whole_and_asks_nothing_of_the_network(letter):
    rendered = RENDERING.render(letter, channel=MessageChannel.EMAIL, locale="sv")
    tags = Tags()
    tags.feed(rendered.html or "")

    assert tags.open == []
    assert '<html lang="sv">' in (rendered.html or "")
    assert "prefers-color-scheme: dark" in (rendered.html or "")
    assert not [link for link in tags.links if not link.startswith(("https://", "mailto:"))]
    assert not re.search(r"<(script|img|link|iframe)", rendered.html or "")


@pytest.mark.parametrize(
    ("wanted", "default", "language"),
    [
        ("nb-NO", "en", "nb"),
        ("no", "en", "nb"),
        ("nn-NO", "en", "nb"),
        ("sv-FI", "en", "sv"),
        ("en-GB", "ro", "en"),
        ("fr", "da", "da"),
        ("fr", "da-DK", "da"),
        ("fr", "de", "en"),
        ("", "ro", "ro"),
        ("", "", "en"),
    ],
)
def test_a_reader_gets_the_nearest_language_we_write(wanted, default, language):
    assert resolve_locale(wanted, default) == language
    assert (
        JinjaRenderer(default).render(READY, channel=MessageChannel.SMS, locale=wanted).locale
        == language
    )


def test_the_way_back_to_english_is_written_down():
    assert fallback_chain("nb-NO", "da") == ["nb-NO", "nb", "da", "en"]


def test_a_forgotten_fact_is_an_error_and_never_a_gap():
    page = build_environment(html=False)

    with pytest.raises(UndefinedError):
        page.from_string("{{ nobody.told.this }}").render()


def test_a_template_cannot_reach_behind_the_curtain():
    with pytest.raises(SecurityError):
        build_environment(html=True).from_string("{{ ''.__class__.mro() }}").render()


def test_every_kind_has_its_four_templates():
    kinds = set(tomllib.loads((TEMPLATE_FOLDER / "words" / "en.toml").read_text())) - {"every"}
    endings = (".subject.txt", ".full.txt", ".short.txt", ".html")

    assert kinds == {kind.value for kind in MessageKind}
    assert not [
        f"{kind}{end}"
        for kind in kinds
        for end in endings
        if not (TEMPLATE_FOLDER / f"{kind}{end}").is_file()
    ]

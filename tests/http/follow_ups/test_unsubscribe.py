"""Ending offers is as easy as one click, and a mail scanner does not click."""

import httpx
import pytest

from domain.contact.channels import MessageChannel
from service.contact.consent import get_allowed_contact
from service.follow_ups.message_context import unsubscribe_token
from tests.support.examples import a_customer
from tests.support.shop import Shop

ME = a_customer().id
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def subscribed(shop: Shop) -> str:
    """The link of a customer who said yes to e-mail and SMS."""
    me = await shop.customer()
    for channel in ("email", "sms"):
        word = {"purpose": "marketing", "channel": channel, "action": "granted"}
        said = await shop.client.post("/v1/me/consents", json=word, headers=me)
        assert said.status_code == 201, said.text
    return f"/u/{unsubscribe_token(shop.house.codes, ME, MessageChannel.EMAIL)}"


async def granted(shop: Shop) -> dict[str, bool]:
    said = await get_allowed_contact(shop.units, ME)
    return {one.channel.value: one.granted for one in said.current}


async def test_looking_at_the_page_changes_nothing(shop: Shop):
    link = await subscribed(shop)
    page = await shop.client.get(f"{link}?utm_source=mail", headers={"Accept-Language": "da"})

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="da">' in page.text
    assert '<form method="post">' in page.text
    assert await granted(shop) == {"email": True, "sms": True}


async def test_one_click_of_the_mailbox_ends_it_at_once_and_again(shop: Shop):
    link = await subscribed(shop)
    answers = [await shop.client.post(link, data=ONE_CLICK) for _ in range(2)]

    assert [(one.status_code, one.text) for one in answers] == [(200, ""), (200, "")]
    assert await granted(shop) == {"email": False, "sms": True}


async def test_the_button_ends_it_and_says_so(shop: Shop):
    link = await subscribed(shop)
    done = await shop.client.post(link, headers={"Accept-Language": "sv"})

    assert "Du får inga fler erbjudanden här." in done.text
    assert (await granted(shop))["email"] is False


async def test_a_mailbox_may_post_its_click_in_parts(shop: Shop):
    link = await subscribed(shop)
    parts = httpx.Request("POST", "http://x", files={"List-Unsubscribe": (None, "One-Click")})
    done = await shop.client.post(
        link, content=parts.read(), headers={"Content-Type": parts.headers["content-type"]}
    )

    assert done.status_code == 200
    assert (await granted(shop))["email"] is False


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.replace(".email.", ".sms."),
        lambda token: token.replace(".email.", ".pigeon."),
        lambda token: token.replace("cus_", "cus_x"),
        lambda _: "nothing",
    ],
)
async def test_a_link_that_was_tampered_with_opens_nothing(shop: Shop, change):
    link = await subscribed(shop)
    token = change(link.removeprefix("/u/"))
    seen = await shop.client.get(f"/u/{token}")
    posted = await shop.client.post(f"/u/{token}", data=ONE_CLICK)

    assert (seen.status_code, posted.status_code) == (404, 404)
    assert await granted(shop) == {"email": True, "sms": True}

"""A provider that calls is answered at once and heard once; who only claims to be it is not."""

import httpx
import pytest

from tests.support.fake_stripe import OLD_SIGNING, SIGNING, signed
from tests.support.shop import Shop

EVENT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "data": {"object": {"object": "payment_intent", "id": "pi_1", "metadata": {}}},
}


async def call(
    shop: Shop, told: tuple[bytes, dict[str, str]], who: str = "stripe"
) -> httpx.Response:
    body, headers = told
    return await shop.client.post(f"/v1/hooks/{who}", content=body, headers=headers)


@pytest.mark.parametrize("secret", [SIGNING, OLD_SIGNING])
async def test_a_notice_is_heard_once(shop: Shop, secret: str):
    answers = [await call(shop, signed(EVENT, secret)) for _ in range(3)]

    assert [(one.status_code, one.json()) for one in answers] == [
        (200, {"new": True}),
        (200, {"new": False}),
        (200, {"new": False}),
    ]


async def test_who_signs_with_another_secret_is_nobody(shop: Shop):
    answer = await call(shop, signed(EVENT, "whsec_of_somebody_else"))

    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_signature")


async def test_a_changed_word_is_nobodys(shop: Shop):
    body, headers = signed(EVENT)

    answer = await call(shop, (body.replace(b"pi_1", b"pi_2"), headers))

    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_signature")


async def test_what_concerns_no_payment_is_heard_and_forgotten(shop: Shop):
    event = {**EVENT, "data": {"object": {"object": "customer", "id": "cus_1"}}}

    answer = await call(shop, signed(event))

    assert (answer.status_code, answer.json()) == (200, {"new": False})


async def test_a_provider_that_we_do_not_have_calls_nobody(shop: Shop):
    answer = await call(shop, signed(EVENT), "klarna")

    assert answer.status_code == 404

"""Addresses and numbers, as people write them."""

import pytest

from domain.customers.customers import parse_email, parse_phone
from domain.kernel.errors import InvalidField


@pytest.mark.parametrize(
    ("written", "region", "read"),
    [
        ("+46 70-174 06 05", None, "+46701740605"),
        ("070-174 06 05", "SE", "+46701740605"),
        ("+46701740605", "NO", "+46701740605"),
        ("020 7946 0123", "GB", "+442079460123"),
    ],
)
def test_a_number_has_one_spelling(written: str, region: str | None, read: str):
    assert parse_phone(written, region) == read


@pytest.mark.parametrize("written", ["", "12", "phone", "070-174 06 05", "+999 1234567"])
def test_what_nobody_can_call_is_no_number(written: str):
    with pytest.raises(InvalidField):
        parse_phone(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("reader@EXAMPLE.com", "reader@example.com"),
        ("bjørn@example.com", "bjørn@example.com"),
        ("reader@shop.test", "reader@shop.test"),
    ],
)
def test_an_address_is_kept_as_mail_is_sent_to(written: str, read: str):
    assert parse_email(written) == read


@pytest.mark.parametrize("written", ["", "reader", "@example.com", "a b@example.com", "a@b"])
def test_what_no_mail_reaches_is_no_address(written: str):
    with pytest.raises(InvalidField):
        parse_email(written)

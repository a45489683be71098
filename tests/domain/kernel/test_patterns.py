"""A rule for a text is a rule for the whole of it."""

from typing import Any

import pytest
from msgspec import ValidationError, convert

from domain.contact.preferences import Topic, WallTime
from domain.kernel.errors import Invalid
from domain.kernel.ids import Sku, StoreId, check_key
from domain.kernel.locales import Locale
from domain.kernel.money import Currency
from domain.payments.tenders import Payment

RIGHT = [
    (Sku, "MUG"),
    (StoreId, "harbour"),
    (WallTime, "21:00"),
    (Topic, "tea"),
    (Locale, "sv"),
    (Currency, "SEK"),
]


@pytest.mark.parametrize(("kind", "text"), RIGHT)
def test_a_line_break_behind_a_text_is_no_part_of_it(kind: Any, text: str):
    assert convert(text, kind) == text

    with pytest.raises(ValidationError):
        convert(f"{text}\n", kind)


def test_a_way_to_pay_has_no_line_break_behind_it():
    with pytest.raises(ValidationError):
        convert({"method": "pay_at_pickup\n"}, Payment)


def test_a_key_from_a_file_has_no_line_break_behind_it():
    with pytest.raises(Invalid):
        check_key("sku", "MUG\n")

"""The people the shop knows: by the retailer's own key, and how to reach them."""

from typing import Annotated

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from msgspec import Meta, Struct

from domain.ids import CustomerId
from domain.locales import Locale
from domain.refusals import WrongField

ExternalId = Annotated[str, Meta(min_length=1, max_length=255)]
"""What the retailer's own systems call the person."""


class Person(Struct, frozen=True, kw_only=True):
    """What the retailer tells of a customer. A phone is in E.164, an address as mail is sent to."""

    external_id: ExternalId
    name: Annotated[str, Meta(max_length=200)] = ""
    email: str | None = None
    phone: str | None = None
    locale: Locale | None = None


class ToldPerson(Person, frozen=True, kw_only=True):
    """What a file says of a customer, who becomes a member unless it says no."""

    member: bool = True


class Customer(Person, frozen=True, kw_only=True):
    id: CustomerId


def read_email(text: str) -> str:
    """The address with its domain in lower case; whether mail arrives there is another question.

    Raises:
        WrongField: it is not written like an address.
    """
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise WrongField("email", "not_an_email", "must be an e-mail address") from None


def read_phone(text: str) -> str:
    """A number with its country code, spelt as people do, in E.164.

    Raises:
        WrongField: no such number can exist, or its country is missing.
    """
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise WrongField("phone", "not_a_phone", "must be a number in E.164, such as +4790123456")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

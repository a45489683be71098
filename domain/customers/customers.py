"""The people the shop knows: by the retailer's own key, and how to reach them."""

from datetime import datetime
from typing import Annotated

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from msgspec import Meta, Struct, structs

from domain.kernel.errors import Conflict, InvalidField, NotFound
from domain.kernel.ids import CustomerId, MemberId
from domain.kernel.locales import Locale
from domain.kernel.text import OptionalName

ExternalId = Annotated[str, Meta(min_length=1, max_length=255)]
"""The id of the person in the retailer's own systems."""


class Person(Struct, frozen=True, kw_only=True):
    """The retailer's data of a customer. A phone is in E.164, an address as mail is sent to."""

    external_id: ExternalId
    name: OptionalName = ""
    email: str | None = None
    phone: str | None = None
    locale: Locale | None = None


class ReportedPerson(Person, frozen=True, kw_only=True):
    """A customer as a file gives it, who becomes a member unless the file excludes it."""

    member: bool = True


class Customer(Person, frozen=True, kw_only=True):
    id: CustomerId


class Profile(Customer, frozen=True, kw_only=True):
    """A customer as staff and the customer see it; `member` is null for who is none."""

    created_at: datetime
    member: MemberId | None = None

    def update(self, **told: object) -> "Profile":
        """The profile with the given fields, parsed as people write them.

        Raises:
            InvalidField: an address or a number cannot be one.
        """
        profile = structs.replace(self, **told)
        email = parse_email(profile.email) if profile.email else None
        phone = parse_phone(profile.phone, profile.phone_region) if profile.phone else None
        return structs.replace(profile, email=email, phone=phone)

    @property
    def phone_region(self) -> str | None:
        """The country of a number without a country code, if the locale has one."""
        _, _, region = (self.locale or "").rpartition("-")
        return region.upper() or None


class CustomerNotFound(NotFound):
    code = "customer_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such customer.")


class ExternalIdTaken(Conflict):
    code = "external_id_taken"

    def __init__(self, external_id: str) -> None:
        super().__init__(
            "Another customer has this external_id.", facts={"external_id": external_id}
        )


def parse_email(text: str, field: str = "email") -> str:
    """The address with its domain in lower case; whether mail arrives there is another question.

    Raises:
        InvalidField: it is not written like an address.
    """
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise InvalidField(field, "not_an_email", "must be an e-mail address") from None


def parse_phone(text: str, region: str | None = None, field: str = "phone") -> str:
    """A number spelt as people do, in E.164; without a country code it is from `region`.

    Raises:
        InvalidField: no such number can exist, or its country is missing.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise InvalidField(field, "not_a_phone", "must be a number in E.164, such as +4790123456")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

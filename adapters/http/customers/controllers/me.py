"""The customer's own profile, preferences and consents."""

from typing import Annotated

from litestar import Controller, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from adapters.http.customers.controllers.customers import CustomerUpdate
from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.contact.channels import MessageChannel
from domain.contact.consent import Consent, ConsentAction, Permission, Purpose
from domain.contact.preferences import Preferences
from domain.customers.customers import Profile
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import CustomerId
from domain.kernel.locales import Locale
from service.contact.consent import ConsentStatement, get_allowed_contact, record_consent
from service.contact.preferences import update_preferences
from service.customers.customers import update_customer
from service.foundation.ports import IdempotencyKey
from service.shared.unit_of_work import Units


class NewConsent(Struct, forbid_unknown_fields=True, kw_only=True):
    """A yes or a no for one purpose on one channel; `wording` names the text that was shown."""

    purpose: Purpose
    channel: MessageChannel
    action: ConsentAction
    wording: Annotated[str, Meta(max_length=200)] = ""
    locale: Locale | None = None


class Consents(Page[Consent], frozen=True, kw_only=True):
    """Every consent statement, the latest first; `current` is the one in force."""

    current: list[Permission]


def get_customer_id(caller: Caller) -> CustomerId:
    assert caller.customer is not None
    return caller.customer


class Me(Controller):
    path = "/v1/me"
    tags = ("customers",)

    @get(operation_id="get_me", **callers(Role.CUSTOMER))
    async def get_me(
        self, caller: NamedDependency[Caller], units: NamedDependency[Units]
    ) -> Profile:
        """Get the calling customer."""
        async with units.read() as unit:
            return await unit.customers.customers.get(get_customer_id(caller))

    @patch(operation_id="update_me", **callers(Role.CUSTOMER))
    async def update_me(
        self,
        data: JSONBody[CustomerUpdate],
        caller: NamedDependency[Caller],
        optional_key: NamedDependency[IdempotencyKey | None],
        units: NamedDependency[Units],
    ) -> Profile:
        """Change the given fields; a field that is left out does not change."""
        return await update_customer(
            units, get_customer_id(caller), data.changed_fields, key=optional_key
        )

    @get("/preferences", operation_id="get_preferences", **callers(Role.CUSTOMER))
    async def get_preferences(
        self, caller: NamedDependency[Caller], units: NamedDependency[Units]
    ) -> Preferences:
        """Get the customer's contact preferences."""
        async with units.read() as unit:
            return await unit.contact.preferences.get(get_customer_id(caller))

    @put("/preferences", operation_id="state_preferences", **callers(Role.CUSTOMER))
    async def update_preferences(
        self,
        data: JSONBody[Preferences],
        caller: NamedDependency[Caller],
        optional_key: NamedDependency[IdempotencyKey | None],
        units: NamedDependency[Units],
    ) -> Preferences:
        """Replace all preferences; one that is left out is removed. The locale does not change."""
        return await update_preferences(units, get_customer_id(caller), data, key=optional_key)

    @get("/consents", operation_id="list_consents", **callers(Role.CUSTOMER))
    async def list_consents(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Consents:
        """List the customer's current consents, and every statement that they come from."""
        said = await get_allowed_contact(units, get_customer_id(caller))
        start = decode_cursor(cursor, int) or 0
        rest = list(enumerate(said.items))[max(start, 0) :]
        page = to_page(rest[: limit + 1], limit, lambda one: one[0] + 1)
        return Consents(
            items=[consent for _, consent in page.items],
            next_cursor=page.next_cursor,
            current=said.current,
        )

    @post("/consents", operation_id="state_consent", **callers(Role.CUSTOMER))
    async def create_consent(
        self,
        data: JSONBody[NewConsent],
        caller: NamedDependency[Caller],
        optional_key: NamedDependency[IdempotencyKey | None],
        units: NamedDependency[Units],
    ) -> Consent:
        """Give or withdraw a consent. It applies at once; queued messages are checked again."""
        said = ConsentStatement(data.purpose, data.channel, data.action, data.wording, data.locale)
        return await record_consent(
            units, get_customer_id(caller), said, source="customer", caller=caller, key=optional_key
        )

"""Customers, as the office sees them."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.customers.customers import ExternalId, Profile
from domain.foundation.callers import Role
from domain.kernel.ids import CustomerId
from domain.kernel.locales import Locale
from domain.kernel.text import Name
from service.customers.customers import create_customer, update_customer
from service.foundation.ports import IdempotencyKey
from service.shared.unit_of_work import Units

CustomerName = Annotated[Name, Meta(examples=["Sample Customer 1"])]
EmailText = Annotated[str, Meta(max_length=254, examples=["customer1@example.com"])]
PhoneText = Annotated[str, Meta(max_length=32, examples=["+46701740605"])]


class NewCustomer(Struct, forbid_unknown_fields=True, kw_only=True):
    """A customer to create. A phone is in E.164, or as written in the region of `locale`."""

    external_id: ExternalId
    name: CustomerName
    email: EmailText | None = None
    phone: PhoneText | None = None
    locale: Locale | None = None
    member: bool = True


class CustomerUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields to change; null removes an address or a number."""

    name: CustomerName | UnsetType = UNSET
    email: EmailText | UnsetType | None = UNSET
    phone: PhoneText | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET

    @property
    def changed_fields(self) -> dict[str, Any]:
        fields = msgspec.structs.asdict(self)
        return {name: value for name, value in fields.items() if value is not UNSET}


class Customers(Controller):
    path = "/v1/customers"
    tags = ("customers",)

    @post(operation_id="add_customer", **callers(Role.OFFICE, scope="customers"))
    async def create_customer(
        self,
        data: JSONBody[NewCustomer],
        optional_key: NamedDependency[IdempotencyKey | None],
        units: NamedDependency[Units],
    ) -> Profile:
        """Create a customer, who is a member unless `member` is false."""
        person = msgspec.structs.asdict(data)
        return await create_customer(units, person, member=person.pop("member"), key=optional_key)

    @get(operation_id="list_customers", **callers(Role.OFFICE, scope="customers"))
    async def list_customers(
        self,
        units: NamedDependency[Units],
        external_id: Annotated[
            str | None, QueryParameter(max_length=255, description="The retailer's own key.")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Profile]:
        """List customers, in the order in which they were created."""
        after = decode_cursor(cursor, CustomerId)
        async with units.read() as unit:
            found = await unit.customers.customers.list_page(
                external_id=external_id, after=after, limit=limit + 1
            )
        return to_page(found, limit, lambda one: one.id)

    @get("/{customer:str}", operation_id="get_customer", **callers(Role.OFFICE, scope="customers"))
    async def get_customer(
        self, customer: FromPath[CustomerId], units: NamedDependency[Units]
    ) -> Profile:
        """Get a customer."""
        async with units.read() as unit:
            return await unit.customers.customers.get(customer)

    @patch(
        "/{customer:str}",
        operation_id="update_customer",
        **callers(Role.OFFICE, scope="customers"),
    )
    async def update_customer(
        self,
        customer: FromPath[CustomerId],
        data: JSONBody[CustomerUpdate],
        optional_key: NamedDependency[IdempotencyKey | None],
        units: NamedDependency[Units],
    ) -> Profile:
        """Change the given fields; a field that is left out does not change."""
        return await update_customer(units, customer, data.changed_fields, key=optional_key)

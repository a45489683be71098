"""Keys of machines, made and revoked by the office."""

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.api_keys import ApiKey
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import ApiKeyId, StoreId
from service.foundation.api_keys import create_api_key, revoke_api_key
from service.foundation.ports import IdempotencyKey, Secrets
from service.shared.unit_of_work import Units


class NewApiKey(Struct, forbid_unknown_fields=True):
    """The scope of a key: a till has one store and a terminal, an associate has stores."""

    role: Role
    stores: Annotated[list[StoreId], Meta(max_length=2000)] = []
    terminal: Annotated[str, Meta(max_length=64)] = ""
    scopes: Annotated[list[str], Meta(max_length=50)] = []


class CreatedApiKey(Struct):
    """`key` is the secret; it is shown only here, so a repeated request has none."""

    id: ApiKeyId
    role: Role
    key: str | None


class ApiKeys(Controller):
    path = "/v1/keys"
    tags = ("keys",)

    @post(operation_id="create_key", **callers(Role.OFFICE, scope="keys"))
    async def create_key(
        self,
        data: JSONBody[NewApiKey],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        secrets: NamedDependency[Secrets],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> CreatedApiKey:
        """Create a key for a machine. Only this answer contains its secret.

        An office key that was narrowed makes no wider one.
        """
        key, secret = await create_api_key(
            units,
            secrets,
            role=data.role,
            stores=data.stores,
            terminal=data.terminal,
            scopes=data.scopes,
            caller=caller,
            request=optional_key,
        )
        return CreatedApiKey(key.id, key.role, secret)

    @get(operation_id="list_keys", **callers(Role.OFFICE, scope="keys"))
    async def list_keys(
        self, units: NamedDependency[Units], limit: Limit = 50, cursor: Cursor = None
    ) -> Page[ApiKey]:
        """List keys in the order they were created, revoked ones too; never a secret."""
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            keys = await unit.foundation.api_keys.list_page(after, limit + 1)
        return to_page(keys, limit, lambda key: key.id)

    @delete("/{key_id:str}", operation_id="revoke_key", **callers(Role.OFFICE, scope="keys"))
    async def revoke_key(
        self,
        key_id: FromPath[ApiKeyId],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - a repeat is harmless
    ) -> None:
        """Revoke a key; it stops working within two seconds. A repeat changes nothing."""
        await revoke_api_key(units, key_id)

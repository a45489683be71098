"""Keys of machines: made, listed and revoked by the office."""

from collections.abc import Collection
from typing import Final

from domain.foundation.api_keys import ApiKey
from domain.foundation.callers import SCOPES, Caller, Role
from domain.kernel.errors import Invalid
from domain.kernel.ids import ApiKeyId, StoreId
from service.foundation.ports import IdempotencyKey, Secrets
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

BINDINGS: Final = frozenset({Role.TILL, Role.ASSOCIATE})
"""Roles whose keys belong to stores."""


@retry_on_conflict
async def create_api_key(
    units: Units,
    secrets: Secrets,
    *,
    role: Role,
    stores: Collection[StoreId] = (),
    terminal: str = "",
    scopes: Collection[str] = (),
    caller: Caller | None = None,
    request: IdempotencyKey | None = None,
) -> tuple[ApiKey, str | None]:
    """Creates an API key and returns its secret, which is shown once and stored as a hash.

    A repeat of `request` returns the same key without its secret. Only the operator of the machine
    creates a key without a `caller`.

    Raises:
        Forbidden: it would allow more than the key of the caller, which is restricted.
        Invalid: the role takes no key, or stores, terminal or scopes do not fit it.
    """
    ensure_valid_binding(role, stores, terminal, scopes)
    if caller is not None and role is Role.OFFICE:
        caller.ensure_can_grant(scopes)
    secret = secrets.create(role)
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(request, ApiKey):
            return first, None
        known = await unit.stores.stores.get_many(stores)
        for index, store in enumerate(stores):
            if store not in known:
                raise _wrong(f"/stores/{index}", "unknown_store", "there is no such store")
            if role is Role.TILL and not known[store].kind.has_tills:
                kind = known[store].kind.value
                raise _wrong(f"/stores/{index}", "no_tills", f"a {kind} has no tills")
        key = ApiKey(
            id=ApiKeyId(unit.new_id("key")),
            role=role,
            created_at=unit.now,
            stores=sorted(set(stores)),
            terminal=terminal,
            scopes=sorted(set(scopes)),
            hint=secret[-4:],
        )
        await unit.foundation.api_keys.add(key, secrets.hash(secret))
        await unit.foundation.idempotency.save_answer(request, key)
    return key, secret


@retry_on_conflict
async def revoke_api_key(units: Units, key: ApiKeyId) -> None:
    """From now on `key` opens nothing. Raises NotFound."""
    async with units.begin() as unit:
        await unit.foundation.api_keys.revoke(key, unit.now)


def ensure_valid_binding(
    role: Role, stores: Collection[StoreId], terminal: str, scopes: Collection[str]
) -> None:
    """Raises Invalid where the stores, terminal or scopes do not fit the role of a key."""
    if role is Role.CUSTOMER:
        raise _wrong("/role", "not_allowed", "customers call with a token, not with a key")
    if role is Role.TILL and len(stores) != 1:
        raise _wrong("/stores", "one_store", "a till belongs to one store")
    if role is Role.TILL and not terminal:
        raise _wrong("/terminal", "required", "a till has a terminal")
    if role is Role.ASSOCIATE and not stores:
        raise _wrong("/stores", "required", "an associate works in at least one store")
    if role not in BINDINGS and stores:
        raise _wrong("/stores", "not_allowed", f"a key of the kind {role.value} has no stores")
    if role is not Role.TILL and terminal:
        raise _wrong("/terminal", "not_allowed", "only a till has a terminal")
    if role is not Role.OFFICE and scopes:
        raise _wrong("/scopes", "not_allowed", "only an office key has scopes")
    for index, scope in enumerate(scopes):
        if scope not in SCOPES:
            known = ", ".join(sorted(SCOPES))
            raise _wrong(f"/scopes/{index}", "not_allowed", f"scopes are {known}")


def _wrong(pointer: str, code: str, rule: str) -> Invalid:
    return Invalid(
        f"{pointer}: {rule}.", errors=[{"pointer": pointer, "code": code, "detail": rule}]
    )

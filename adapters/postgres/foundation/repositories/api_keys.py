"""Keys of machines, by the hash of their secret."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain.foundation.api_keys import ApiKey
from domain.kernel.errors import NotFound
from domain.kernel.ids import ApiKeyId

COLUMNS: Final = "id, role, created_at, stores, terminal, scopes, hint, revoked_at"
ADD: Final = """
    insert into api_keys (id, role, secret_hash, stores, terminal, scopes, hint, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
BY_SECRET: Final = f"select {COLUMNS} from api_keys where secret_hash = $1 and revoked_at is null"
PAGE: Final = f"select {COLUMNS} from api_keys where id > $1 order by id limit $2"
REVOKE: Final = """
    update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning true
"""


class PostgresApiKeys:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, key: ApiKey, secret_hash: bytes) -> None:
        await self._connection.execute(
            ADD,
            key.id,
            key.role.value,
            secret_hash,
            key.stores,
            key.terminal,
            key.scopes,
            key.hint,
            key.created_at,
        )

    async def find_by_secret(self, secret_hash: bytes) -> ApiKey | None:
        row = await self._connection.fetchrow(BY_SECRET, secret_hash)
        return msgspec.convert(dict(row), ApiKey) if row else None

    async def list_page(self, after: str, limit: int) -> list[ApiKey]:
        rows = await self._connection.fetch(PAGE, after, limit)
        return [msgspec.convert(dict(row), ApiKey) for row in rows]

    async def revoke(self, key: ApiKeyId, at: datetime) -> None:
        if not await self._connection.fetchval(REVOKE, key, at):
            raise NotFound("There is no such key.")

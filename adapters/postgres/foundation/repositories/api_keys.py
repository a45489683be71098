"""Keys of machines, by the hash of their secret."""

from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.foundation.api_keys import ApiKey
from domain.kernel.errors import NotFound
from domain.kernel.ids import ApiKeyId

COLUMNS: Final = "id, role, created_at, stores, terminal, scopes, hint, revoked_at"
ADD: Final = Statement("""
    insert into api_keys (id, role, secret_hash, stores, terminal, scopes, hint, created_at)
    values (:id, :role, :secret_hash, :stores, :terminal, :scopes, :hint, :created_at)
""")
BY_SECRET: Final = Statement(
    f"select {COLUMNS} from api_keys where secret_hash = :secret_hash and revoked_at is null"
)
PAGE: Final = Statement(
    f"select {COLUMNS} from api_keys where id > :after order by id limit :limit"
)
REVOKE: Final = Statement("""
    update api_keys set revoked_at = coalesce(revoked_at, :now) where id = :key returning true
""")


class PostgresApiKeys:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, key: ApiKey, secret_hash: bytes) -> None:
        await self._connection.execute(
            *ADD(
                id=key.id,
                role=key.role.value,
                secret_hash=secret_hash,
                stores=key.stores,
                terminal=key.terminal,
                scopes=key.scopes,
                hint=key.hint,
                created_at=key.created_at,
            ),
        )

    async def find_by_secret(self, secret_hash: bytes) -> ApiKey | None:
        row = await self._connection.fetchrow(*BY_SECRET(secret_hash=secret_hash))
        return msgspec.convert(dict(row), ApiKey) if row else None

    async def list_page(self, after: str, limit: int) -> list[ApiKey]:
        rows = await self._connection.fetch(*PAGE(after=after, limit=limit))
        return [msgspec.convert(dict(row), ApiKey) for row in rows]

    async def revoke(self, key: ApiKeyId, at: datetime) -> None:
        if not await self._connection.fetchval(*REVOKE(key=key, now=at)):
            raise NotFound("There is no such key.")

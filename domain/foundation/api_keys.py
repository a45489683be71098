"""Keys of machines: the shop's page, a till, an associate's device, the office."""

from datetime import datetime

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.kernel.ids import ApiKeyId, StoreId


class ApiKey(Struct, frozen=True):
    """The secret is shown once and stored only as a hash; `hint` is its last four characters."""

    id: ApiKeyId
    role: Role
    created_at: datetime
    stores: list[StoreId] = []
    terminal: str = ""
    scopes: list[str] = []
    hint: str = ""
    revoked_at: datetime | None = None

    @property
    def caller(self) -> Caller:
        return Caller(
            role=self.role,
            id=self.id,
            stores=frozenset(self.stores),
            terminal=self.terminal,
            scopes=frozenset(self.scopes),
        )

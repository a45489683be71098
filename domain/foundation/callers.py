"""Callers: a shop's page, a customer, a till, an associate, or the office."""

from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct

from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.ids import CartId, CustomerId, OrderId, StoreId


class Role(StrEnum):
    SHOP = "shop"
    CUSTOMER = "customer"
    TILL = "till"
    ASSOCIATE = "associate"
    OFFICE = "office"


SCOPES = frozenset(
    {
        "imports",
        "stock",
        "customers",
        "orders",
        "payments",
        "messages",
        "rules",
        "reports",
        "webhooks",
        "keys",
        "audit",
    }
)
"""The scopes to which an office key may be narrowed; one made without a scope has all."""


class Caller(Struct, frozen=True):
    """`id` names the key or the person for the records; it is no secret.

    `cart` is the cart whose token came along, `order` the order whose link's did.
    """

    role: Role
    id: str
    customer: CustomerId | None = None
    stores: frozenset[StoreId] = frozenset()
    terminal: str = ""
    cart: CartId | None = None
    order: OrderId | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        return self.role in {Role.TILL, Role.ASSOCIATE, Role.OFFICE}

    def works_at(self, store: StoreId) -> bool:
        """The office works at every store, a till or an associate at its own."""
        return self.role is Role.OFFICE or (self.is_staff and store in self.stores)

    def ensure_scope(self, scope: str) -> None:
        """Raises Forbidden where an office key was narrowed to other scopes."""
        if self.role is Role.OFFICE and self.scopes and scope not in self.scopes:
            raise Forbidden(f"This key lacks the scope {scope!r}.", facts={"scope": scope})

    def ensure_can_grant(self, scopes: Collection[str]) -> None:
        """Raises Forbidden where an office key of these scopes would be wider than the caller's.

        A key narrowed to making keys may still make those of machines: that is its purpose.
        """
        wider = set(scopes or SCOPES) - self.scopes
        if self.scopes and wider:
            raise Forbidden(
                "This key was narrowed and makes no wider one.", facts={"scopes": sorted(wider)}
            )

    def ensure_role(self, roles: Collection[Role]) -> None:
        if self.role not in roles:
            raise Forbidden(f"A caller of the kind {self.role.value!r} may not do this.")


class AccessDenied(NotFound):
    """Another caller's object: answered as if it did not exist, and logged."""

    def __init__(self, caller: Caller, thing: str) -> None:
        super().__init__()
        self.caller = caller
        self.resource = thing

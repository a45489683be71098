"""Ports of carts and recently viewed products."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.carts.cart_lines import CartLine
from domain.carts.cart_rules import CartRules
from domain.carts.carts import Cart, CartState
from domain.carts.recently_viewed import ViewedProduct
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId, CustomerId, Sku


class Carts(Protocol):
    async def add(self, cart: Cart) -> None:
        """A new cart. A customer is locked first, and has no open one."""

    async def get(self, cart: CartId) -> Cart:
        """Raises NotFound."""

    async def get_for_update(self, cart: CartId) -> Cart:
        """The cart, locked until the unit ends. Raises NotFound."""

    async def get_many_for_update(self, carts: Collection[CartId]) -> dict[CartId, Cart]:
        """Those that exist, locked until the unit ends."""

    async def get_pair_for_update(
        self, cart: CartId, customer: CustomerId
    ) -> tuple[Cart, Cart | None]:
        """A cart, and the customer's own, open or being paid for, where that is another.

        Both are locked until the unit ends. Raises NotFound.
        """

    async def update(self, *carts: Cart) -> None:
        """Write taken carts back."""

    async def get_open_by_customer(self, customer: CustomerId) -> Cart | None:
        """The customer's open cart, or the one being paid for; locked until the unit ends."""

    async def get_saved_for_update(self, caller: Caller) -> list[CartLine]:
        """Removes and returns the saved lines of the caller's last ordered cart.

        For a guest it is the cart of the token.
        """

    async def find_by_member(self, said: str) -> Cart | None:
        """The open cart of whom a till means by this: a member's id, or the retailer's key."""

    async def find_by_code(self, code_hash: bytes) -> Cart | None:
        """The open cart whose code this is now."""

    async def set_code(self, cart: CartId, code_hash: bytes, until: datetime) -> None:
        """Sets the code that opens a locked cart at a till until a time."""

    async def get_stale_for_update(self, rules: CartRules, limit: int) -> list[Cart]:
        """Returns expired open carts that no other unit has locked, and locks them.

        Carts whose payment is in progress are left out.
        """

    async def clear(self, carts: Collection[CartId], state: CartState) -> None:
        """End taken carts; nothing is left in them."""

    async def purge(self, before: datetime, limit: int) -> int:
        """Strike out up to `limit` that were over before and became no order; how many."""


class RecentlyViewed(Protocol):
    """Recently viewed products, by customer or by a guest's cart."""

    async def record(self, owner: CustomerId | CartId, skus: Sequence[Sku]) -> None:
        """These were looked at just now, the newest first; the oldest beyond the bound go."""

    async def list_by_owner(self, owner: CustomerId | CartId) -> list[ViewedProduct]:
        """The newest first."""

    async def move(self, guest: CartId, customer: CustomerId) -> None:
        """Moves a guest's recently viewed products to the customer."""

    async def purge(self, owners: Collection[CartId]) -> None: ...

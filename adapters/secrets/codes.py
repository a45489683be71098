"""Codes and tokens that are derived from the installation's secret, so that none needs keeping."""

import hmac
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from math import ceil
from typing import Final

from domain.kernel.ids import CartId, OrderId, PickupId, StoreId

CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing that is mistaken for something else when read aloud or from a small screen."""
CODE_LENGTH: Final = 8
ORDER_TOKEN_HEX_DIGITS: Final = 32
"""Hexadecimal digits: 128 bits."""
_SEPARATORS: Final = str.maketrans("", "", " -")


class DerivedCodes:
    """Derives codes from the installation's `secret`, whose holder can make every code."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def handover_code(self, pickup: PickupId, revision: int) -> str:
        """Eight characters, of 30 to the power of 8."""
        return _encode_code(self._derive("handover", f"{pickup}:{revision}"))

    def hash(self, code: str) -> bytes:
        """A handover code may be typed in any case, with spaces or hyphens in it."""
        return self._derive("hash", _normalize_code(code))

    def cart_token(self, cart: CartId) -> str:
        return f"{cart}.{self._derive('cart', cart).hex()}"

    def order_token(self, order: OrderId) -> str:
        """Derives an order's token, half as long as a cart's: it is in links and text messages."""
        return f"{order}.{self._derive('order', order).hex()[:ORDER_TOKEN_HEX_DIGITS]}"

    def order_from_token(self, token: str) -> OrderId | None:
        order = OrderId(token.partition(".")[0])
        ours = self.order_token(order)
        return order if hmac.compare_digest(ours.encode(), token.encode()) else None

    def till_token(self, cart: CartId, store: StoreId, until: datetime) -> str:
        return self._till_token(cart, store, str(ceil(until.timestamp())))

    def cart_from_till_token(
        self, token: str, stores: Collection[StoreId], now: datetime
    ) -> CartId | None:
        name, _, rest = token.partition(".")
        second = rest.partition(".")[0]
        ours = [self._till_token(CartId(name), store, second) for store in stores]
        opens = [hmac.compare_digest(one.encode(), token.encode()) for one in ours]
        return CartId(name) if any(opens) and now.timestamp() < int(second) else None

    def _till_token(self, cart: CartId, store: StoreId, second: str) -> str:
        mac = self._derive("till", f"{cart}\n{store}\n{second}")
        return f"{cart}.{second}.{mac.hex()}"

    def cart_code(self, cart: CartId, until: datetime) -> str:
        return _encode_code(self._derive("cart code", f"{cart}:{until.isoformat()}"))

    def cart_from_token(self, token: str) -> CartId | None:
        cart = CartId(token.partition(".")[0])
        ours = self.cart_token(cart)
        return cart if hmac.compare_digest(ours.encode(), token.encode()) else None

    def _derive(self, purpose: str, what: str) -> bytes:
        assert self._secret, "everybody could derive the same"
        return hmac.digest(self._secret, f"{purpose}\n{what}".encode(), sha256)


def _encode_code(secret: bytes) -> str:
    number = int.from_bytes(secret)
    code = ""
    for _ in range(CODE_LENGTH):
        number, place = divmod(number, len(CODE_ALPHABET))
        code += CODE_ALPHABET[place]
    return code


def _normalize_code(code: str) -> str:
    """A handover code as we write it; anything else unchanged."""
    plain = code.translate(_SEPARATORS).upper()
    return plain if len(plain) == CODE_LENGTH and set(plain) <= set(CODE_ALPHABET) else code

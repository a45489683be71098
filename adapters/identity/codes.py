"""Codes and tokens that are derived from the installation's secret, so that none needs keeping."""

import hmac
from hashlib import sha256
from typing import Final

from domain.ids import CartId, PickupId

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing that is mistaken for something else when read aloud or from a small screen."""
LENGTH: Final = 8
_BETWEEN: Final = str.maketrans("", "", " -")


class DerivedCodes:
    """`secret` is the installation's own; whoever has it can make every code."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def handover(self, pickup: PickupId, revision: int) -> str:
        """Eight characters, of 30 to the power of 8."""
        number = int.from_bytes(self._derive("handover", f"{pickup}:{revision}"))
        code = ""
        for _ in range(LENGTH):
            number, place = divmod(number, len(ALPHABET))
            code += ALPHABET[place]
        return code

    def hash(self, code: str) -> bytes:
        """A handover code may be typed in any case, with spaces or hyphens in it."""
        return self._derive("hash", _as_typed(code))

    def cart_token(self, cart: CartId) -> str:
        return f"{cart}.{self._derive('cart', cart).hex()}"

    def opened_by(self, token: str) -> CartId | None:
        cart = CartId(token.partition(".")[0])
        ours = self.cart_token(cart)
        return cart if hmac.compare_digest(ours.encode(), token.encode()) else None

    def _derive(self, purpose: str, what: str) -> bytes:
        assert self._secret, "everybody could derive the same"
        return hmac.digest(self._secret, f"{purpose}\n{what}".encode(), sha256)


def _as_typed(code: str) -> str:
    """A handover code as we write it; anything else unchanged."""
    plain = code.translate(_BETWEEN).upper()
    return plain if len(plain) == LENGTH and set(plain) <= set(ALPHABET) else code

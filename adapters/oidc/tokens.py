"""Tokens of people: from the retailer's identity provider, or from this service in trial mode.

The library that verifies signatures takes 9 MB, and is loaded with the first token.
"""

# ruff: noqa: PLC0415

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.foundation.callers import Role
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import CustomerId
from service.foundation.ports import TokenClaims

if TYPE_CHECKING:
    from adapters.oidc.jwks import JwksCache

TRIAL_ISSUER: Final = "hylla-trial"
AUDIENCE: Final = "hylla"
LEEWAY: Final = timedelta(seconds=30)
"""How far two clocks may disagree."""
ALGORITHMS: Final = ("RS256", "ES256")
"""The accepted signatures of an identity provider: no shared secret, and never none."""


class TrialTokenVerifier:
    """Our own issuer, for as long as no identity provider is configured; `sub` is the `cus_…`."""

    def __init__(self, secret: str) -> None:
        self._secret = f"trial tokens\n{secret}"

    def issue(self, customer: CustomerId, now: datetime, lifetime: timedelta) -> str:
        import jwt

        claims = {
            "iss": TRIAL_ISSUER,
            "aud": AUDIENCE,
            "sub": customer,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    async def verify(self, token: str) -> TokenClaims:
        import jwt

        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                issuer=TRIAL_ISSUER,
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise _invalid(error) from None
        return TokenClaims(Role.CUSTOMER, claims["sub"], customer=CustomerId(claims["sub"]))


class OidcTokenVerifier:
    """Any OpenID provider, by the keys it publishes. `sub` is the customer's `external_id`.

    Staff bear the claims `role` (`associate` with `stores`, `office` with `scopes`).
    """

    def __init__(self, *, issuer: str, audience: str, keys: "JwksCache") -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    async def verify(self, token: str) -> TokenClaims:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise jwt.InvalidAlgorithmError
            key = await self._keys.get(header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise _invalid(error) from None
        return to_claims(claims)


def to_claims(claims: Mapping[str, Any]) -> TokenClaims:
    """Raises Unknown for a role we do not know, and for staff who may do nothing anywhere."""
    subject = claims["sub"]
    match claims.get("role", Role.CUSTOMER):
        case Role.CUSTOMER:
            return TokenClaims(Role.CUSTOMER, subject)
        case Role.ASSOCIATE:
            return TokenClaims(Role.ASSOCIATE, subject, stores=_parse_list_claim(claims, "stores"))
        case Role.OFFICE:
            scopes = _parse_list_claim(claims, "scopes") if "scopes" in claims else frozenset()
            return TokenClaims(Role.OFFICE, subject, scopes=scopes)
        case _:
            raise Unauthenticated(
                "This token has a role that we do not know.", code="token_refused"
            )


def _parse_list_claim(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """A claim that lists names, as a list or, as OAuth writes scopes, between spaces."""
    listed = claims.get(name, [])
    names = listed.split() if isinstance(listed, str) else listed
    if not isinstance(names, list) or not names or not all(isinstance(item, str) for item in names):
        raise Unauthenticated(f"This token has no {name}.", code="token_refused")
    return frozenset(names)


def _invalid(error: Exception) -> Unauthenticated:
    """Names the broken rule, never the content of the token."""
    import jwt

    if isinstance(error, jwt.ExpiredSignatureError):
        return Unauthenticated("This token has expired; get a new one.", code="token_expired")
    return Unauthenticated("This token does not hold.", code="token_refused")

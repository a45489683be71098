"""Who may say who they are: our own trial issuer, or any OpenID provider."""

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from adapters.oidc.jwks import JwksCache
from adapters.oidc.tokens import OidcTokenVerifier, TrialTokenVerifier
from domain.foundation.callers import Role
from domain.kernel.errors import Unauthenticated, Unavailable
from domain.kernel.ids import CustomerId
from service.foundation.ports import TokenClaims
from tests.support.identity_provider import AUDIENCE, Provider, a_provider

SOMEBODY = CustomerId("cus_somebody")
SECRET = "a secret that is only for tests, and long enough"


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[Provider]:
    with a_provider() as provider:
        yield provider


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def tokens(provider: Provider, watch: Watch) -> AsyncIterator[OidcTokenVerifier]:
    async with httpx.AsyncClient() as client:
        keys = JwksCache(client, issuer=provider.issuer, monotonic=watch)
        yield OidcTokenVerifier(issuer=provider.issuer, audience=AUDIENCE, keys=keys)


async def test_a_trial_token_names_its_customer():
    trial = TrialTokenVerifier(SECRET)
    token = trial.issue(SOMEBODY, datetime.now(UTC), timedelta(hours=1))

    assert await trial.verify(token) == TokenClaims(Role.CUSTOMER, SOMEBODY, customer=SOMEBODY)


async def test_a_trial_token_ends():
    trial = TrialTokenVerifier(SECRET)
    token = trial.issue(SOMEBODY, datetime.now(UTC) - timedelta(hours=2), timedelta(hours=1))

    with pytest.raises(Unauthenticated) as refusal:
        await trial.verify(token)

    assert refusal.value.error_code == "token_expired"


async def test_a_trial_token_of_another_installation_opens_nothing():
    token = TrialTokenVerifier(SECRET.upper()).issue(
        SOMEBODY, datetime.now(UTC), timedelta(hours=1)
    )

    with pytest.raises(Unauthenticated):
        await TrialTokenVerifier(SECRET).verify(token)


@pytest.mark.parametrize("curve", [False, True], ids=["RS256", "ES256"])
async def test_a_providers_subject_is_the_customers_external_id(
    tokens: OidcTokenVerifier, provider: Provider, curve: bool
):
    provider.rotate("key", curve=curve)

    assert await tokens.verify(provider.token("c-17")) == TokenClaims(Role.CUSTOMER, "c-17")


async def test_staff_bear_their_stores_or_their_scopes(
    tokens: OidcTokenVerifier, provider: Provider
):
    associate = provider.token("a", role="associate", stores=["1000", "1001"])
    office = provider.token("o", role="office", scopes="reports audit")

    assert await tokens.verify(associate) == TokenClaims(
        Role.ASSOCIATE, "a", stores=frozenset({"1000", "1001"})
    )
    assert await tokens.verify(office) == TokenClaims(
        Role.OFFICE, "o", scopes=frozenset({"reports", "audit"})
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -3600},
        {"nbf": 3600},
        {"iss": "https://somebody.else"},
        {"aud": "another-shop"},
        {"exp": None},
        {"sub": None},
        {"role": "owner"},
        {"role": "till"},
        {"role": "associate"},
        {"role": "associate", "stores": [1000]},
        {"role": "office", "scopes": []},
    ],
    ids=repr,
)
async def test_a_token_that_breaks_one_rule_opens_nothing(
    tokens: OidcTokenVerifier, provider: Provider, claims: dict[str, Any]
):
    now = int(time.time())
    moments = {"exp": 60, "nbf": 0} | claims
    said = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "c"} | claims
    said |= {name: now + after for name, after in moments.items() if isinstance(after, int)}
    said = {name: claim for name, claim in said.items() if claim is not None}
    token = jwt.encode(said, provider.keys["first"], algorithm="RS256", headers={"kid": "first"})

    with pytest.raises(Unauthenticated):
        await tokens.verify(token)


async def test_nobody_signs_with_a_public_key_or_with_nothing(
    tokens: OidcTokenVerifier, provider: Provider
):
    said = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "c", "exp": int(time.time()) + 60}
    modulus = provider.published()["keys"][0]["n"]
    shared = jwt.encode(said, modulus, algorithm="HS256", headers={"kid": "first"})
    bare = jwt.encode(said, "", algorithm="none", headers={"kid": "first"})

    for token in (shared, bare, "", "a.b.c", "nonsense"):
        with pytest.raises(Unauthenticated):
            await tokens.verify(token)


async def test_a_new_key_is_found_without_a_restart(
    tokens: OidcTokenVerifier, provider: Provider, watch: Watch
):
    await tokens.verify(provider.token())
    provider.rotate("second")
    watch.now += 61

    assert (await tokens.verify(provider.token("c-2"))).subject == "c-2"
    assert provider.fetched == 2


async def test_tokens_with_unknown_keys_cause_one_fetch_a_minute(
    tokens: OidcTokenVerifier, provider: Provider, watch: Watch
):
    await tokens.verify(provider.token())
    forged = jwt.encode({"sub": "c"}, provider.keys["first"], "RS256", headers={"kid": "unknown"})
    for _ in range(5):
        watch.now += 20
        with pytest.raises(Unauthenticated):
            await tokens.verify(forged)

    assert provider.fetched == 2


async def test_known_keys_serve_on_while_the_provider_is_dead(
    tokens: OidcTokenVerifier, provider: Provider, watch: Watch
):
    token = provider.token("c-3")
    await tokens.verify(token)
    provider.dead = True
    watch.now += 3600

    assert (await tokens.verify(token)).subject == "c-3"


async def test_a_withdrawn_key_stops_working_within_ten_minutes(
    tokens: OidcTokenVerifier, provider: Provider, watch: Watch
):
    token = provider.token()
    await tokens.verify(token)
    provider.rotate("second")
    watch.now += 601

    with pytest.raises(Unauthenticated):
        await tokens.verify(token)


async def test_a_provider_that_never_answered_makes_us_busy_not_strict(
    tokens: OidcTokenVerifier, provider: Provider, watch: Watch
):
    provider.dead = True
    with pytest.raises(Unavailable):
        await tokens.verify(provider.token())
    with pytest.raises(Unavailable):
        await tokens.verify(provider.token())
    provider.dead = False
    watch.now += 1

    assert (await tokens.verify(provider.token("c-4"))).subject == "c-4"

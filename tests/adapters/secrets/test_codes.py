"""Codes and tokens that are derived, so that nobody has to keep them."""

from adapters.secrets.api_keys import RandomSecrets
from adapters.secrets.codes import CODE_ALPHABET, DerivedCodes
from domain.foundation.callers import Role
from domain.kernel.ids import CartId, PickupId

CODES = DerivedCodes("a secret that is only for tests")
PICKUP = PickupId("pku_1")


def test_a_handover_code_stays_until_the_pickup_is_revised():
    assert CODES.handover_code(PICKUP, 1) == CODES.handover_code(PICKUP, 1)
    assert CODES.handover_code(PICKUP, 1) != CODES.handover_code(PICKUP, 2)
    assert CODES.handover_code(PICKUP, 1) != CODES.handover_code(PickupId("pku_2"), 1)


def test_a_handover_code_can_be_read_aloud():
    codes = [CODES.handover_code(PICKUP, revision) for revision in range(2000)]

    assert {len(code) for code in codes} == {8}
    assert set("".join(codes)) == set(CODE_ALPHABET)
    assert not set("01ILOU") & set(CODE_ALPHABET)
    assert len(set(codes)) == len(codes)


def test_another_secret_makes_other_codes():
    assert DerivedCodes("another").handover_code(PICKUP, 1) != CODES.handover_code(PICKUP, 1)
    assert DerivedCodes("another").hash("ABCDEFGH") != CODES.hash("ABCDEFGH")


def test_a_code_may_be_typed_as_people_type():
    code = CODES.handover_code(PICKUP, 1)

    assert CODES.hash(f" {code[:4].lower()}-{code[4:]} ") == CODES.hash(code)


def test_a_token_is_kept_as_it_is():
    assert CODES.hash("aBcDeF-token-of-a-link") != CODES.hash("ABCDEF-TOKEN-OF-A-LINK")


def test_a_carts_token_opens_that_cart_and_no_other():
    token = CODES.cart_token(CartId("crt_1"))
    forged = token.replace("crt_1", "crt_2")

    assert CODES.cart_from_token(token) == "crt_1"
    assert CODES.cart_from_token(forged) is None
    assert CODES.cart_from_token("") is None
    assert CODES.cart_from_token("crt_1.ø") is None


def test_a_secret_tells_its_kind_and_is_never_made_twice():
    secrets = {RandomSecrets.create(Role.OFFICE) for _ in range(1000)}

    assert RandomSecrets.create(Role.SHOP).startswith("pk_")
    assert {secret[:3] for secret in secrets} == {"sk_"}
    assert len(secrets) == 1000
    assert all(len(secret) == 3 + 43 for secret in secrets)

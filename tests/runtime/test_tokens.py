"""Users' tokens: whom they are accepted from, for how long, and what a function sees of them.

convex-backend crates/authentication/src/lib.rs, crates/keybroker/src/broker.rs (convex-wire.md §2.2 and §2.3).
"""

import base64
import hmac
import json
import re
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from convex_mastra_emulator import Emulator, ManualClock, query
from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.tokens import (
    TEST_AUDIENCE,
    TEST_ISSUER,
    AuthProvider,
    issue_token,
    provider_of_tests,
    verify_token,
)
from tests.signed_tokens import EC_KEY, FOREIGN_KEY, RSA_KEY, public_key

SECRET = "0123456789abcdef" * 4
NOW_S = 1_700_000_000.0
TESTS = provider_of_tests(SECRET)
ISSUER = "https://ada.issuer.test"
NOT_VERIFIED = (
    "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired."
)
NOT_PARSED = (
    "Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded parts "
    "separated by dots."
)


OIDC = AuthProvider(
    issuer=ISSUER,
    application_id="app",
    jwks={"keys": [public_key(RSA_KEY, "rsa"), public_key(EC_KEY, "ec")]},
)


def signed(key: Any, algorithm: str, key_id: str | None = None, **claims: Any) -> str:
    payload = {"iss": ISSUER, "aud": "app", "sub": "ada", "exp": NOW_S + 60} | claims
    return jwt.encode(payload, key, algorithm=algorithm, headers=None if key_id is None else {"kid": key_id})


def refusal(token: str, *providers: AuthProvider, now_s: float = NOW_S) -> tuple[str, str]:
    with pytest.raises(RequestRefused, match=r".") as refused:
        verify_token(token, providers, now_s)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED
    return refused.value.message, refused.value.code


# What a function sees


def test_claims_are_seen_under_convex_names() -> None:
    token = issue_token(
        SECRET,
        subject="ada",
        now_s=NOW_S,
        name="Ada",
        given_name="Ada",
        email="ada@example.test",
        email_verified=True,
        phone_number="1",
        picture="https://example.test/ada.png",
        zoneinfo="Europe/London",
        role="admin",
    )

    identity = verify_token(token, [TESTS], NOW_S)

    assert identity.user == {
        "tokenIdentifier": f"{TEST_ISSUER}|ada",
        "issuer": TEST_ISSUER,
        "subject": "ada",
        "name": "Ada",
        "givenName": "Ada",
        "email": "ada@example.test",
        "emailVerified": True,
        "phoneNumber": "1",
        "pictureUrl": "https://example.test/ada.png",
        "timezone": "Europe/London",
        "role": "admin",
    }
    assert (identity.is_admin, identity.expires_s) == (False, NOW_S + 3600)


def test_function_sees_the_user_of_a_token(emulator: Emulator) -> None:
    emulator.define("users:who", query(lambda ctx, args: ctx.auth.get_user_identity()["subject"]))

    identity = emulator.verify_token(emulator.issue_token(subject="ada"))

    assert emulator.query("users:who", identity=identity) == "ada"


def test_tokens_of_another_emulator_are_refused(emulator: Emulator) -> None:
    emulator.issue_token(subject="ada")
    with Emulator(seed=2) as other:
        token = other.issue_token(subject="ada")

    with pytest.raises(RequestRefused, match=re.escape(NOT_VERIFIED)):
        emulator.verify_token(token)


# Time is the emulator's


def test_token_ends_by_the_clock_of_the_emulator(emulator: Emulator, clock: ManualClock) -> None:
    token = emulator.issue_token(subject="ada", valid_seconds=10)

    clock.advance(9.999)
    assert emulator.verify_token(token).user is not None

    clock.advance(0.001)
    with pytest.raises(RequestRefused, match=re.escape(NOT_VERIFIED)):
        emulator.verify_token(token)


def test_token_without_an_end_is_refused() -> None:
    token = jwt.encode({"iss": TEST_ISSUER, "aud": TEST_AUDIENCE, "sub": "ada"}, SECRET, algorithm="HS256")

    assert refusal(token, TESTS) == (NOT_VERIFIED, "Unauthenticated")


# Whose token


@pytest.mark.parametrize(("key", "algorithm", "key_id"), [(RSA_KEY, "RS256", "rsa"), (EC_KEY, "ES256", "ec")])
def test_public_keys(key: Any, algorithm: str, key_id: str) -> None:
    user = verify_token(signed(key, algorithm, key_id), [TESTS, OIDC], NOW_S).user

    assert user is not None
    assert user["tokenIdentifier"] == f"{ISSUER}|ada"


def test_token_that_names_no_key_is_held_against_the_first() -> None:
    assert verify_token(signed(RSA_KEY, "RS256"), [OIDC], NOW_S).user is not None


@pytest.mark.parametrize(
    "token",
    [
        signed(FOREIGN_KEY, "RS256", "rsa"),
        signed(RSA_KEY, "RS256", "unknown"),
        signed(RSA_KEY, "RS256", "ec"),
        signed(EC_KEY, "ES256", "rsa"),
        signed(RSA_KEY, "RS512", "rsa"),
        signed(SECRET, "HS256", "rsa"),
        signed(RSA_KEY, "RS256", "rsa", exp=NOW_S),
        signed(RSA_KEY, "RS256", "rsa")[:-8] + "AAAAAAAA",
    ],
    ids=[
        "another's key",
        "unknown key",
        "key of another kind",
        "other way round",
        "algorithm",
        "shared key",
        "over",
        "changed",
    ],
)
def test_token_that_cannot_be_verified(token: str) -> None:
    assert refusal(token, OIDC) == (NOT_VERIFIED, "Unauthenticated")


def by_hand(header: Any, claims: Any, key: bytes | None = None) -> str:
    """A token no library would make; unsigned without a key, else signed with HS256."""
    content = f"{part(header)}.{part(claims)}"
    if key is None:
        return f"{content}."
    signature = hmac.digest(key, content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


CLAIMS = {"iss": ISSUER, "aud": "app", "sub": "eve", "exp": NOW_S + 60}
PUBLIC_TEXT = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# What has broken verifiers of tokens before: the algorithm is the provider's choice, never the token's.
@pytest.mark.parametrize(
    "token",
    [
        by_hand({"alg": "none"}, CLAIMS),
        by_hand({"alg": "None"}, CLAIMS),
        by_hand({"alg": "NONE", "kid": "rsa"}, CLAIMS, b""),
        by_hand({}, CLAIMS),
        by_hand({"alg": None}, CLAIMS),
        by_hand({"alg": ["RS256"]}, CLAIMS),
        by_hand({"alg": "HS256", "kid": "rsa"}, CLAIMS, PUBLIC_TEXT),
        by_hand({"alg": "HS256", "kid": "rsa"}, CLAIMS, PUBLIC_TEXT.strip()),
        by_hand({"alg": "HS256", "kid": "rsa"}, CLAIMS, b""),
        by_hand({"alg": "RS256", "kid": ["rsa"]}, CLAIMS, b""),
        by_hand({"alg": "RS256", "kid": {"a": 1}}, CLAIMS, b""),
        by_hand({"alg": "RS256", "kid": "../../dev/null"}, CLAIMS, b""),
        by_hand("[" * 100_000, CLAIMS, b""),
        by_hand([], CLAIMS, b""),
        jwt.encode(CLAIMS, FOREIGN_KEY, "RS256", headers={"kid": "rsa", "jwk": public_key(FOREIGN_KEY, "rsa")}),
        jwt.encode(CLAIMS, FOREIGN_KEY, "RS256", headers={"kid": "rsa", "jku": "https://eve.test/keys"}),
        jwt.encode(CLAIMS, RSA_KEY, "RS256", headers={"kid": "rsa", "crit": ["unknown"], "unknown": 1}),
        jwt.encode(CLAIMS | {"exp": "9999999999"}, RSA_KEY, "RS256", headers={"kid": "rsa"}),
        jwt.encode(CLAIMS | {"exp": [NOW_S + 60]}, RSA_KEY, "RS256", headers={"kid": "rsa"}),
    ],
)
def test_token_that_chooses_how_it_is_verified(token: str) -> None:
    assert refusal(token, OIDC) == (NOT_VERIFIED, "Unauthenticated")


def test_token_of_public_keys_is_not_good_for_a_shared_one() -> None:
    claims = CLAIMS | {"iss": TEST_ISSUER, "aud": TEST_AUDIENCE}

    assert refusal(jwt.encode(claims, RSA_KEY, "RS256"), TESTS) == (NOT_VERIFIED, "Unauthenticated")
    assert refusal(by_hand({"alg": "none"}, claims), TESTS) == (NOT_VERIFIED, "Unauthenticated")


def test_claims_that_are_nested_too_deeply_are_no_claims() -> None:
    assert refusal(f"{part({'alg': 'HS256'})}.{part('[' * 100_000)}.c", TESTS) == (NOT_PARSED, "InvalidAuthHeader")


def test_provider_without_keys_verifies_nothing() -> None:
    empty = AuthProvider(issuer=ISSUER, application_id="app", jwks={"keys": []})

    assert refusal(signed(RSA_KEY, "RS256", "rsa"), empty) == (NOT_VERIFIED, "Unauthenticated")


# OpenID Connect demands a subject; without one there is no `tokenIdentifier`.
def test_token_without_a_subject_is_refused() -> None:
    token = jwt.encode({"iss": ISSUER, "aud": "app", "exp": NOW_S + 60}, RSA_KEY, algorithm="RS256")

    assert refusal(token, OIDC) == (NOT_VERIFIED, "Unauthenticated")


@pytest.mark.parametrize("audience", ["app", ["other", "app"]])
def test_audience_may_be_one_of_several(audience: Any) -> None:
    assert verify_token(signed(RSA_KEY, "RS256", "rsa", aud=audience), [OIDC], NOW_S).user is not None


@pytest.mark.parametrize("claims", [{"iss": "https://eve.test"}, {"aud": "other"}, {"aud": []}, {"aud": None}])
def test_token_of_nobody_who_is_trusted(claims: dict[str, Any]) -> None:
    assert refusal(signed(RSA_KEY, "RS256", "rsa", **claims), OIDC) == (
        "No auth provider found matching the given token. Check that your JWT's issuer and audience match one of your "
        "configured providers: [OIDC(domain=https://ada.issuer.test, app_id=app)]",
        "NoAuthProvider",
    )


def test_providers_of_production_are_not_told(clock: ManualClock) -> None:
    emulator = Emulator(clock=clock, auth_providers=[OIDC], redact_errors=True)

    with pytest.raises(RequestRefused) as refused:
        emulator.verify_token(signed(RSA_KEY, "RS256", "rsa", aud="other"))

    assert refused.value.message == "No auth provider found matching the given token"


# Auth0 says that its domain has no slash at the end, and issues tokens with one.
@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/", "ada.issuer.test"])
def test_issuer_may_differ_in_slash_and_scheme(issuer: str) -> None:
    assert verify_token(signed(RSA_KEY, "RS256", "rsa", iss=issuer), [OIDC], NOW_S).user is not None


def test_provider_without_an_application_accepts_every_audience() -> None:
    anybody = AuthProvider(issuer=ISSUER, jwks=OIDC.jwks)

    assert verify_token(signed(RSA_KEY, "RS256", "rsa", aud="other"), [anybody], NOW_S).user is not None


def test_nobody_is_trusted_from_the_start(emulator: Emulator) -> None:
    with pytest.raises(
        RequestRefused, match=r"\(no providers configured\)\. Check convex/auth\.config\.ts\."
    ) as refused:
        emulator.verify_token(signed(RSA_KEY, "RS256", "rsa"))

    assert refused.value.code == "NoAuthProvider"


# What is no token


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "eyJ.a.b", "a.é.c", f"a.{part([])}.c", f"a.{part({})}", f"a.{part({})}.c.d", "a.////.c"],
)
def test_text_that_is_no_token(token: str) -> None:
    assert refusal(token, TESTS) == (NOT_PARSED, "InvalidAuthHeader")


@pytest.mark.parametrize("claims", [{}, {"iss": None}])
def test_token_that_does_not_say_where_it_comes_from(claims: dict[str, Any]) -> None:
    assert refusal(f"a.{part(claims)}.c", TESTS) == (
        "Missing issuer claim ('iss') in JWT payload. The JWT must include an 'iss' claim that matches one of your "
        "configured auth providers.",
        "InvalidAuthHeader",
    )


@pytest.mark.parametrize(
    "claims",
    [{"iss": 5}, {"sub": 5}, {"sub": 0}, {"aud": [5]}, *({"exp": end} for end in (2**63, 10**400, float("nan")))],
)
def test_claims_of_another_type_are_no_claims(claims: dict[str, Any]) -> None:
    claims = {"iss": ISSUER, **claims}

    assert refusal(f"a.{part(claims)}.c", TESTS) == (NOT_PARSED, "InvalidAuthHeader")


@pytest.mark.parametrize("token", [f"a.{part({'iss': TEST_ISSUER, 'aud': TEST_AUDIENCE})}.c"])
def test_claims_without_a_header_are_not_verified(token: str) -> None:
    assert refusal(token, TESTS) == (NOT_VERIFIED, "Unauthenticated")


# Providers


@pytest.mark.parametrize("keys", [{}, {"jwks": {"keys": []}, "secret": SECRET}], ids=["neither", "both"])
def test_provider_needs_one_way_to_verify(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs either `jwks` or `secret`"):
        AuthProvider(issuer=ISSUER, **keys)

"""Tokens of the providers of ``auth.config.ts``: who is good, who is refused in which words.

Rules: convex-backend crates/authentication/src/lib.rs ``validate_id_token``, with the libraries it verifies by.
"""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.auth_config import AuthInfo, CustomJwtInfo, OidcInfo
from convex_mastra_emulator.runtime.config_tokens import ConfigProvider
from convex_mastra_emulator.runtime.fetch import Fetches
from convex_mastra_emulator.runtime.http_cache import CachedFetch
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.provider_keys import ProviderKeys
from convex_mastra_emulator.runtime.tokens import verify_token
from tests.signed_tokens import EC_KEY, ED_KEY, FOREIGN_KEY, RSA_KEY, data_url, public_key, signed

ISSUER = "https://a.com"
NOW_S = 1_700_000_000.9
CLAIMS = {"iss": ISSUER, "aud": "app", "sub": "ada", "iat": int(NOW_S), "exp": int(NOW_S) + 60}
NOT_VERIFIED = (
    "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
    "Unauthenticated",
)
NOT_OIDC = ("Could not parse as OIDC ID token. Token might not be an OIDC-compliant JWT.", "InvalidAuthHeader")


def identify(token: str, info: AuthInfo, *keys: dict[str, Any], is_redacted: bool = False) -> Identity:
    fetches = Fetches()
    fetches.respond(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
    fetches.respond(f"{ISSUER}/keys", json={"keys": list(keys)})
    provider = ConfigProvider(info, ProviderKeys(CachedFetch(fetches.answer, lambda: NOW_S)), is_redacted)
    return verify_token(token, [provider], NOW_S, is_redacted=is_redacted)


def refusal(token: str, info: AuthInfo, *keys: dict[str, Any], is_redacted: bool = False) -> tuple[str, str]:
    with pytest.raises(RequestRefused) as refused:
        identify(token, info, *keys, is_redacted=is_redacted)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED
    return refused.value.message, refused.value.code


# OpenID Connect

OIDC = OidcInfo(application_id="app", domain=ISSUER)
RSA, ED = public_key(RSA_KEY, "rsa"), public_key(ED_KEY, "ed")


def oidc_token(key: Any = RSA_KEY, algorithm: str = "RS256", key_id: str | None = "rsa", **claims: Any) -> str:
    return signed(key, algorithm, key_id, **{**CLAIMS, **claims})


@pytest.mark.parametrize(
    "token",
    [
        oidc_token(),
        oidc_token(ED_KEY, "EdDSA", "ed"),
        oidc_token(aud=["app"]),
        oidc_token(key_id=None),
        oidc_token(exp=int(NOW_S) + 1),
    ],
)
def test_a_token_makes_a_user(token: str) -> None:
    identity = identify(token, OIDC, RSA, ED)

    assert identity.user == {"tokenIdentifier": f"{ISSUER}|ada", "issuer": ISSUER, "subject": "ada"}
    assert identity.expires_s == jwt.decode(token, options={"verify_signature": False})["exp"]


def test_claims_have_convex_names() -> None:
    user = identify(oidc_token(given_name="Ada", org={"id": "o1"}), OIDC, RSA).user

    assert user is not None
    assert (user["givenName"], user["org"]) == ("Ada", {"id": "o1"})


@pytest.mark.parametrize("domain", ["https://a.com/", "https://a.com"])
def test_a_slash_at_the_end_of_the_domain_does_not_matter(domain: str) -> None:
    assert identify(oidc_token(), OidcInfo(application_id="app", domain=domain), RSA).user is not None


@pytest.mark.parametrize(
    "token",
    [
        oidc_token(FOREIGN_KEY),
        oidc_token(key_id="unknown"),
        oidc_token(RSA_KEY, "RS384"),
        oidc_token("0123456789abcdef0123456789abcdef", "HS256"),
        oidc_token(EC_KEY, "ES256", "ec"),
        oidc_token(exp=int(NOW_S)),
        oidc_token(aud=["app", "other"]),
        oidc_token()[:-8] + "AAAAAAAA",
        jwt.encode(CLAIMS, RSA_KEY, "RS256", headers={"kid": "rsa", "typ": "at+jwt"}),
        jwt.encode(CLAIMS, RSA_KEY, "RS256", headers={"kid": "rsa", "cty": "JWT"}),
    ],
    ids=["key", "key id", "RS384", "HS256", "ES256", "over", "audiences", "signature", "type", "content"],
)
def test_a_token_that_is_not_good(token: str) -> None:
    assert refusal(token, OIDC, RSA, ED, public_key(EC_KEY, "ec")) == NOT_VERIFIED


@pytest.mark.parametrize(
    "key", [{**RSA, "use": "enc"}, {**RSA, "alg": "RS512"}, {"kty": "RSA", "kid": "rsa"}, public_key(EC_KEY, "rsa")]
)
def test_a_key_that_is_not_for_this(key: dict[str, Any]) -> None:
    assert refusal(oidc_token(), OIDC, key) == NOT_VERIFIED


# Without a key id the key must be the only one that can be meant.
def test_one_key_of_several_must_be_named() -> None:
    other = public_key(FOREIGN_KEY, "other")

    assert identify(oidc_token(), OIDC, other, RSA).user is not None
    assert refusal(oidc_token(key_id=None), OIDC, RSA, other) == NOT_VERIFIED


@pytest.mark.parametrize("missing", ["sub", "exp", "iat"])
def test_a_token_without_what_openid_demands(missing: str) -> None:
    without: dict[str, Any] = {missing: None}

    assert refusal(oidc_token(**without), OIDC, RSA) == NOT_OIDC


# The issuer is read as a URL here, though it is found without its scheme: a deployment fails as a whole.
def test_an_issuer_without_a_scheme_is_an_error_of_the_deployment() -> None:
    with pytest.raises(RequestRefused, match=INTERNAL_ERROR_TEXT) as refused:
        identify(oidc_token(iss="a.com"), OIDC, RSA)

    assert refused.value.kind is ErrorKind.INTERNAL


# customJwt

NOT_KNOWN = (
    "Could not decode token. The JWT's 'kid' (key ID) header is 'key', does this key match any key in the provider's "
    "JWKS?",
    "InvalidAuthHeader",
)


def custom(algorithm: str = "RS256", application_id: str | None = None, *keys: dict[str, Any]) -> CustomJwtInfo:
    jwks = data_url({"keys": keys or [public_key(RSA_KEY, "key")]})
    return CustomJwtInfo(application_id=application_id, issuer=ISSUER, jwks=jwks, algorithm=algorithm)


def custom_token(key: Any = RSA_KEY, algorithm: str = "RS256", key_id: str | None = "key", **claims: Any) -> str:
    return signed(key, algorithm, key_id, **{**CLAIMS, **claims})


@pytest.mark.parametrize("issuer", [ISSUER, "a.com", "https://a.com/"])
@pytest.mark.parametrize(("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256")])
def test_a_custom_token_makes_a_user(key: Any, algorithm: str, issuer: str) -> None:
    info = custom(algorithm, None, public_key(key, "other"), public_key(key, "key"))

    identity = identify(custom_token(key, algorithm, iss=issuer, email="a@a.com", aud="any"), info)

    assert identity.user == {
        "tokenIdentifier": f"{issuer}|ada",
        "issuer": issuer,
        "subject": "ada",
        "email": "a@a.com",
    }
    assert identity.expires_s == int(NOW_S) + 60


def test_keys_are_fetched_from_a_url() -> None:
    info = CustomJwtInfo(application_id=None, issuer=ISSUER, jwks=f"{ISSUER}/keys", algorithm="RS256")

    assert identify(custom_token(), info, public_key(RSA_KEY, "key")).user is not None


@pytest.mark.parametrize(
    ("token", "info"),
    [
        (custom_token(FOREIGN_KEY), custom()),
        (custom_token(), custom("RS256", None, public_key(RSA_KEY, "other"))),
        (custom_token(), custom("RS256", None, public_key(EC_KEY, "key"))),
        (custom_token(), custom("ES256")),
        (custom_token(), custom("RS256", None, public_key(RSA_KEY, "key", alg="RS512"))),
        (custom_token("0123456789abcdef0123456789abcdef", "HS256"), custom()),
        (custom_token()[:-8] + "AAAAAAAA", custom()),
    ],
    ids=["key", "key id", "kind of key", "algorithm", "algorithm of the key", "HS256", "signature"],
)
def test_a_custom_token_that_is_not_good(token: str, info: CustomJwtInfo) -> None:
    assert refusal(token, info) == NOT_KNOWN


def test_production_does_not_tell_the_key_id() -> None:
    assert refusal(custom_token(FOREIGN_KEY), custom(), is_redacted=True) == (
        "Could not decode token. The JWT's 'kid' (key ID) header doesn't match any key in the provider's JWKS, or the "
        "JWT signature is invalid.",
        "InvalidAuthHeader",
    )


@pytest.mark.parametrize("is_redacted", [True, False])
def test_a_custom_token_must_name_its_key(is_redacted: bool) -> None:
    assert refusal(custom_token(key_id=None), custom(), is_redacted=is_redacted) == (
        "Could not decode token. JWT may be missing a 'kid' (key ID) header.",
        "InvalidAuthHeader",
    )


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"exp": int(NOW_S) - 6}, "Token expired 6 seconds ago"),
        ({"nbf": int(NOW_S) + 6}, "Token will be valid in 6 seconds"),
        ({"iat": int(NOW_S) + 6}, "Token will be valid in 6 seconds"),
    ],
)
def test_clocks_may_differ_by_five_seconds(claims: dict[str, Any], problem: str) -> None:
    assert refusal(custom_token(**claims), custom()) == (f"Could not validate token: {problem}", "InvalidAuthHeader")

    nearer = {name: value + (1 if name == "exp" else -1) for name, value in claims.items()}
    assert identify(custom_token(**nearer), custom()).user is not None


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["9999999999", True, [1]])
def test_a_time_is_a_number(name: str, value: Any) -> None:
    claims: dict[str, Any] = {**CLAIMS, name: value}

    for info in (OIDC, custom()):
        text, code = refusal(jwt.PyJWS().encode(json.dumps(claims).encode(), RSA_KEY, "RS256", {"kid": "key"}), info)
        assert text.startswith("Could not parse JWT payload.")
        assert code == "InvalidAuthHeader"


@pytest.mark.parametrize("missing", ["sub", "exp"])
def test_a_custom_token_needs_a_subject_and_an_end(missing: str) -> None:
    without: dict[str, Any] = {missing: None}

    assert refusal(custom_token(**without), custom()) == (
        "Could not verify token claim. Check that the JWT contains valid claims and matches your auth provider "
        "configuration.",
        "InvalidAuthHeader",
    )


@pytest.mark.parametrize(("application", "is_good"), [(None, True), ("app", True), ("other", False)])
def test_the_application_is_looked_at_if_the_config_names_one(application: str | None, is_good: bool) -> None:
    if is_good:
        assert identify(custom_token(), custom("RS256", application)).user is not None
    else:
        assert refusal(custom_token(), custom("RS256", application)) == (
            "No auth provider found matching the given token. Check that your JWT's issuer and audience match one of "
            "your configured providers: [CustomJWT(issuer=https://a.com, app_id=other)]",
            "NoAuthProvider",
        )

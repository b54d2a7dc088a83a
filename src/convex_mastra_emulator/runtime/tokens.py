"""Users' tokens: JSON web tokens checked against the providers a deployment trusts.

convex-backend crates/authentication/src/lib.rs, crates/keybroker/src/broker.rs
(convex-wire.md §2.2 and §2.3, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.identity import Identity

TEST_ISSUER = "https://issuer.convex-mastra-emulator.test"
TEST_AUDIENCE = "convex"
TOKEN_SECONDS = 3600.0

# How OpenID's claims are called in `ctx.auth.getUserIdentity()`.
_CLAIMS = {
    "iss": "issuer",
    "sub": "subject",
    "name": "name",
    "given_name": "givenName",
    "family_name": "familyName",
    "nickname": "nickname",
    "preferred_username": "preferredUsername",
    "profile": "profileUrl",
    "picture": "pictureUrl",
    "website": "websiteUrl",
    "email": "email",
    "email_verified": "emailVerified",
    "gender": "gender",
    "birthdate": "birthday",
    "zoneinfo": "timezone",
    "locale": "language",
    "phone_number": "phoneNumber",
    "phone_number_verified": "phoneNumberVerified",
    "address": "address",
    "updated_at": "updatedAt",
}
_OF_THE_TOKEN = frozenset({"aud", "exp", "iat", "nbf", "jti"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthProvider:
    """Somebody whose tokens are trusted; one of ``jwks`` and ``secret`` says how they are signed.

    Args:
        issuer: the ``iss`` of the tokens (``domain`` in ``auth.config.ts``).
        application_id: the ``aud`` of the tokens; None accepts every one.
        jwks: the public keys, a JSON web key set; tokens are signed with RS256 or ES256.
        secret: a key shared with whoever makes the tokens, for tests; signed with HS256.

    Raises:
        ValueError: unless exactly one of ``jwks`` and ``secret`` is given.
    """

    issuer: str
    application_id: str | None = None
    jwks: Mapping[str, Any] | None = None
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.jwks is None) == (self.secret is None):
            raise ValueError("an auth provider needs either `jwks` or `secret`")

    def __str__(self) -> str:
        return f"OIDC(domain={self.issuer}, app_id={self.application_id})"

    def issued(self, claims: Mapping[str, Any]) -> bool:
        """Whether a token with these claims says it comes from here."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        return claims.get("iss") == self.issuer and self.application_id in (None, *audiences)


def provider_of_tests(secret: str) -> AuthProvider:
    """The provider whose tokens :func:`issue_token` makes."""
    return AuthProvider(issuer=TEST_ISSUER, application_id=TEST_AUDIENCE, secret=secret)


def issue_token(secret: str, *, subject: str, now_s: float, valid_seconds: float = TOKEN_SECONDS, **claims: Any) -> str:
    """A token for tests, signed with a shared secret.

    Args:
        secret: what the deployment's provider was made of.
        subject: who the user is.
        now_s: seconds since the Unix epoch.
        valid_seconds: for how long it is good.
        claims: more claims, with OpenID's names (``email``, ``given_name``, …) or one's own.
    """
    import jwt

    payload = {"iss": TEST_ISSUER, "aud": TEST_AUDIENCE, "sub": subject, "iat": now_s, "exp": now_s + valid_seconds}
    return jwt.encode({**payload, **claims}, secret, algorithm="HS256")


def verify_token(token: str, providers: Sequence[AuthProvider], now_s: float) -> Identity:
    """The user a token stands for.

    Args:
        token: a JSON web token.
        providers: who is trusted.
        now_s: seconds since the Unix epoch.

    Raises:
        RequestRefused: of kind UNAUTHENTICATED, with the deployment's text.
    """
    provider = _provider_of(_unverified_claims(token), providers)
    claims = _verified_claims(token, provider)
    expires_s = claims.get("exp")
    if not isinstance(expires_s, (int, float)) or expires_s <= now_s or "sub" not in claims:
        raise _unverified()
    return Identity(user=_attributes(claims), expires_s=float(expires_s))


def _refused(text: str, code: str) -> RequestRefused:
    return RequestRefused(text, code=code, kind=ErrorKind.UNAUTHENTICATED)


def _unverified() -> RequestRefused:
    return _refused(
        "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
        "Unauthenticated",
    )


def _unverified_claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, binascii.Error, ValueError, RecursionError):
        claims = None
    if len(parts) != 3 or not isinstance(claims, dict):
        raise _refused(
            "Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded "
            "parts separated by dots.",
            "InvalidAuthHeader",
        )
    return claims


def _provider_of(claims: Mapping[str, Any], providers: Sequence[AuthProvider]) -> AuthProvider:
    for provider in providers:
        if provider.issued(claims):
            return provider
    if providers:
        hint = (
            "Check that your JWT's issuer and audience match one of your configured providers: "
            f"[{', '.join(map(str, providers))}]"
        )
        raise _refused(f"No auth provider found matching the given token. {hint}", "NoAuthProvider")
    raise _refused(
        "No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts.",
        "NoAuthProvider",
    )


def _verified_claims(token: str, provider: AuthProvider) -> dict[str, Any]:
    import jwt

    # The deployment's clock decides on times, not the machine's.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
    try:
        if provider.secret is not None:
            claims = jwt.decode(token, provider.secret, algorithms=["HS256"], options=options)
        else:
            claims = jwt.decode(token, _key(token, provider), algorithms=["RS256", "ES256"], options=options)
    except (jwt.PyJWTError, KeyError, StopIteration, TypeError, ValueError, RecursionError):
        # PyJWT raises the last two for a key of another kind than the token's algorithm.
        raise _unverified() from None
    return dict(claims)


def _key(token: str, provider: AuthProvider) -> Any:
    import jwt

    key_id = jwt.get_unverified_header(token).get("kid")
    keys = jwt.PyJWKSet.from_dict(dict(provider.jwks or {})).keys
    return next(key for key in keys if key_id in (None, key.key_id)).key if keys else None


def _attributes(claims: Mapping[str, Any]) -> dict[str, Any]:
    user = {_CLAIMS.get(name, name): value for name, value in claims.items() if name not in _OF_THE_TOKEN}
    user["tokenIdentifier"] = f"{claims['iss']}|{claims['sub']}"
    return user

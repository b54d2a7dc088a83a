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
from typing import Any, Protocol

from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.issuer_urls import is_same_issuer, with_scheme
from convex_mastra_emulator.runtime.token_claims import oidc_attributes
from convex_mastra_emulator.runtime.token_refusals import no_issuer, no_provider, not_parsed, not_verified

TEST_ISSUER = "https://issuer.convex-mastra-emulator.test"
TEST_AUDIENCE = "convex"
TOKEN_SECONDS = 3600.0
_TIME_END_S = 1 << 63


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

    def issued(self, issuer: str, audiences: Sequence[str]) -> bool:
        """Whether a token with this issuer and these audiences says it comes from here."""
        return self.application_id in (None, *audiences) and is_same_issuer(with_scheme(self.issuer), issuer)

    def identify(self, token: str, claims: Mapping[str, Any], now_s: float) -> Identity:
        """The user of a token that says it comes from here.

        Raises:
            RequestRefused: if it is not good, or no longer.
        """
        claims = _verified_claims(token, self)
        expires_s = claims.get("exp")
        if not isinstance(expires_s, (int, float)) or expires_s <= now_s or claims.get("sub") is None:
            raise not_verified()
        return Identity(user=oidc_attributes(claims), expires_s=float(expires_s))


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


class Provider(Protocol):
    """Somebody whose tokens are trusted."""

    def issued(self, issuer: str, audiences: Sequence[str]) -> bool:
        """Whether a token with this issuer and these audiences says it comes from here."""

    def identify(self, token: str, claims: Mapping[str, Any], now_s: float) -> Identity:
        """The user of a token whose claims say that it comes from here."""


def verify_token(token: str, providers: Sequence[Provider], now_s: float, *, is_redacted: bool = False) -> Identity:
    """The user a token stands for.

    Args:
        token: a JSON web token.
        providers: who is trusted; of several that fit the first.
        now_s: seconds since the Unix epoch.
        is_redacted: whether refusals leave out what they do in production.

    Raises:
        RequestRefused: mostly of kind UNAUTHENTICATED, with the deployment's text.
    """
    claims = _unverified_claims(token)
    audiences = _audiences(claims)
    for provider in providers:
        if provider.issued(claims["iss"], audiences):
            return provider.identify(token, claims, now_s)
    raise no_provider(providers, is_redacted=is_redacted)


def _unverified_claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, binascii.Error, ValueError, RecursionError):
        claims = None
    if len(parts) != 3 or not isinstance(claims, dict):
        raise not_parsed()
    if claims.get("iss") is None:
        raise no_issuer()
    subject = claims.get("sub")
    if not isinstance(claims["iss"], str) or not (subject is None or isinstance(subject, str)):
        raise not_parsed()
    if any(_is_no_time(claims.get(name)) for name in ("exp", "nbf", "iat")):
        raise not_parsed()
    return claims


def _is_no_time(given: Any) -> bool:
    """Whether a number is none of those a deployment reads: whole seconds in 64 bits."""
    return isinstance(given, (int, float)) and not abs(given) < _TIME_END_S


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [] if audience is None else [audience]
    if not all(isinstance(each, str) for each in audiences):
        raise not_parsed()
    return audiences


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
        raise not_verified() from None
    return dict(claims)


def _key(token: str, provider: AuthProvider) -> Any:
    import jwt

    key_id = jwt.get_unverified_header(token).get("kid")
    keys = jwt.PyJWKSet.from_dict(dict(provider.jwks or {})).keys
    return next(key for key in keys if key_id in (None, key.key_id)).key if keys else None

"""What functions see of a token's claims: the attributes of ``ctx.auth.getUserIdentity()``.

convex-backend crates/keybroker/src/broker.rs ``UserIdentity`` (convex-wire.md §2.2, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

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
# Of the token itself (get-convex/biscuit src/lib.rs ``RegisteredClaims``).
_REGISTERED = frozenset({"iss", "sub", "aud", "exp", "iat", "nbf", "jti"})
# Others that say more of the token than of the user (get-convex/openidconnect-rs src/id_token/mod.rs), and one that
# grows with time.
_OF_THE_TOKEN = frozenset({"auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "fva"})


def oidc_attributes(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an OpenID Connect token: its standard claims under Convex' names, all others as they are."""
    hidden = (_REGISTERED - _CLAIMS.keys()) | _OF_THE_TOKEN
    user = {_CLAIMS.get(name, name): value for name, value in claims.items() if name not in hidden}
    if isinstance(user.get("address"), Mapping):
        user["address"] = user["address"].get("formatted")
    if isinstance(user.get("updatedAt"), (int, float)):
        user["updatedAt"] = datetime.fromtimestamp(user["updatedAt"], UTC).isoformat()
    given = {name: value for name, value in user.items() if value is not None or name not in _CLAIMS.values()}
    return {**given, "tokenIdentifier": _token_identifier(claims)}


def custom_attributes(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of any other token: all claims under their own names, those of objects behind a dot."""
    user = {name: value for name, value in _flat(claims) if name not in _REGISTERED and name != "fva"}
    own = {"tokenIdentifier": _token_identifier(claims), "issuer": claims["iss"], "subject": claims["sub"]}
    return {**user, **own}


def _flat(claims: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in claims.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _token_identifier(claims: Mapping[str, Any]) -> str:
    return f"{claims['iss']}|{claims['sub']}"

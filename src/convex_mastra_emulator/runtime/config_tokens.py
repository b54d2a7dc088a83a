"""Tokens of the providers of ``auth.config.ts``, verified with the keys these publish.

convex-backend crates/authentication/src/lib.rs ``validate_id_token``; get-convex/openidconnect-rs
src/verification/mod.rs, get-convex/biscuit src/jws/compact.rs and src/lib.rs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.auth_config import AuthInfo, CustomJwtInfo, OidcInfo
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.provider_keys import Keys, ProviderKeys
from convex_mastra_emulator.runtime.token_claims import custom_attributes, oidc_attributes
from convex_mastra_emulator.runtime.token_refusals import invalid_header, not_parsed, not_verified

Claims = Mapping[str, Any]
# RS256 and EdDSA, which is Ed25519 alone; the types of keys for them.
_OIDC_KEY_TYPES = {"RS256": "RSA", "EdDSA": "OKP"}
_JOSE_TYPES = ("JWT", "JOSE", "JOSE+JSON")
_TIMES = ("exp", "nbf", "iat")
# How far clocks may be apart, for customJwt.
_LEEWAY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ConfigProvider:
    """One provider of ``auth.config.ts``.

    Attributes:
        info: what the config says of it.
        keys: where its keys come from.
        is_redacted: whether refusals leave out what they do in production.
    """

    info: AuthInfo
    keys: ProviderKeys
    is_redacted: bool = False

    def issued(self, issuer: str, audiences: Sequence[str]) -> bool:
        """Whether a token with this issuer and these audiences says it comes from here."""
        return self.info.issued(issuer, audiences)

    def __str__(self) -> str:
        return str(self.info)

    def identify(self, token: str, claims: Claims, now_s: float) -> Identity:
        """The user of a token that says it comes from here.

        Args:
            token: a JSON web token.
            claims: its claims, not verified.
            now_s: seconds since the Unix epoch.

        Raises:
            RequestRefused: with the deployment's text.
        """
        if not all(_is_number(claims[name]) for name in _TIMES if claims.get(name) is not None):
            raise not_parsed()
        # A deployment looks at whole seconds.
        if isinstance(self.info, OidcInfo):
            return _identify_oidc(self.info, self.keys, token, claims, int(now_s))
        return _identify_custom(self.info, self.keys, token, claims, int(now_s), is_redacted=self.is_redacted)


# OpenID Connect


def _identify_oidc(info: OidcInfo, keys: ProviderKeys, token: str, claims: Claims, now_s: int) -> Identity:
    if "://" not in claims["iss"]:
        # A deployment reads the issuer as a URL and fails as a whole if it is none.
        raise RequestRefused(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)
    found = keys.discovered(claims["iss"])
    header = _header(token)
    if header is None or any(claims.get(name) is None for name in ("iat", "exp", "sub")):
        raise invalid_header("Could not parse as OIDC ID token. Token might not be an OIDC-compliant JWT.")
    key = _key_for_oidc(header, found)
    if (
        key is None
        or _audiences(claims) != [info.application_id]
        or not _is_signed(token, key, header["alg"])
        or now_s >= claims["exp"]
    ):
        raise not_verified()
    return Identity(user=oidc_attributes(claims), expires_s=float(claims["exp"]))


def _key_for_oidc(header: Claims, keys: Keys) -> Mapping[str, Any] | None:
    """The one key that fits; several are as bad as none."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in _OIDC_KEY_TYPES or "cty" in header or "crit" in header:
        return None
    if str(header.get("typ", "JWT")).upper().removeprefix("APPLICATION/") not in _JOSE_TYPES:
        return None
    fitting = [key for key in keys if key_id in (None, key.get("kid")) and _fits(key, algorithm)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") == _OIDC_KEY_TYPES[algorithm]
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, algorithm)
    )


# customJwt


def _identify_custom(
    info: CustomJwtInfo, keys: ProviderKeys, token: str, claims: Claims, now_s: int, *, is_redacted: bool
) -> Identity:
    found = keys.at(info.jwks)
    header = _header(token) or {}
    key_id = header.get("kid")
    key = None if key_id is None else next((each for each in found if each.get("kid") == key_id), None)
    if key is None or not _is_signed_custom(info, token, header, key):
        raise _not_decoded(key_id, is_redacted=is_redacted)
    _check_times(claims, now_s)
    if claims.get("sub") is None or claims.get("exp") is None:
        raise invalid_header(
            "Could not verify token claim. Check that the JWT contains valid claims and matches your auth provider "
            "configuration."
        )
    return Identity(user=custom_attributes(claims), expires_s=float(claims["exp"]))


def _is_signed_custom(info: CustomJwtInfo, token: str, header: Claims, key: Mapping[str, Any]) -> bool:
    # The algorithm is the provider's choice, never the token's.
    is_expected = header.get("alg") == info.algorithm and key.get("alg") in (None, info.algorithm)
    return is_expected and _is_signed(token, key, info.algorithm)


def _not_decoded(key_id: Any, *, is_redacted: bool) -> RequestRefused:
    if key_id is None:
        return invalid_header("Could not decode token. JWT may be missing a 'kid' (key ID) header.")
    if is_redacted:
        return invalid_header(
            "Could not decode token. The JWT's 'kid' (key ID) header doesn't match any key in the provider's JWKS, or "
            "the JWT signature is invalid."
        )
    return invalid_header(
        f"Could not decode token. The JWT's 'kid' (key ID) header is '{key_id}', does this key match any key in the "
        "provider's JWKS?"
    )


def _check_times(claims: Claims, now_s: int) -> None:
    late_s = now_s - _time(claims, "exp", now_s)
    if late_s > _LEEWAY_SECONDS:
        raise invalid_header(f"Could not validate token: Token expired {int(late_s)} seconds ago")
    for name in ("nbf", "iat"):
        early_s = _time(claims, name, now_s) - now_s
        if early_s > _LEEWAY_SECONDS:
            raise invalid_header(f"Could not validate token: Token will be valid in {int(early_s)} seconds")


def _time(claims: Claims, name: str, otherwise_s: int) -> float:
    given = claims.get(name)
    return otherwise_s if given is None else float(given)


# Both


def _header(token: str) -> dict[str, Any] | None:
    import jwt

    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None


def _is_signed(token: str, key: Mapping[str, Any], algorithm: str) -> bool:
    import jwt

    try:
        jwt.PyJWS().decode(token, jwt.PyJWK.from_dict(dict(key), algorithm).key, algorithms=[algorithm])
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError):
        # PyJWT raises all of these for keys that are none, or of another kind than the algorithm's.
        return False
    return True


def _audiences(claims: Claims) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""The ``Authorization`` header, and who it makes of the caller.

convex-backend crates/local_backend/src/authentication.rs, crates/common/src/types/admin_key.rs,
crates/authentication/src/lib.rs (convex-wire.md §2, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime import tokens
from convex_mastra_emulator.runtime.identity import ANONYMOUS, Identity, acting_as, user_attributes
from convex_mastra_emulator.values.json_text import JsonTextError, parse_json

# What http's `HeaderValue::to_str` takes.
_VISIBLE = re.compile(r"[\t\x20-\x7e]*")
_SCHEME_LENGTH = len("convex ")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about its caller, not yet checked: an admin key, a token, or neither."""

    admin_key: str | None = field(default=None, repr=False)
    acting_as: dict[str, Any] | None = None
    token: str | None = field(default=None, repr=False)


def read_authorization(header: str | None, query_admin_key: str | None) -> Credentials:
    """Reads the header; without one the query parameter ``adminKey``.

    Raises:
        RequestRefused: for a header that cannot be read.
    """
    if header is None:
        return Credentials(admin_key=query_admin_key)
    if not _VISIBLE.fullmatch(header):
        # A deployment shows the header here; what may be a key does not go into a text that gets logged.
        raise RequestRefused("Failed to parse header", code="HeaderParseFailure")
    if len(header) < _SCHEME_LENGTH:
        raise RequestRefused("Invalid authentication header", code="InvalidHeaderFailure")
    scheme, rest = header[:_SCHEME_LENGTH].lower(), header[_SCHEME_LENGTH:]
    if scheme == "convex ":
        return _admin_credentials(rest)
    if scheme == "bearer ":
        return Credentials(token=rest)
    raise RequestRefused("Invalid admin key", code="InvalidAdminKey")


def _admin_credentials(text: str) -> Credentials:
    key, colon, user = without_type_prefix(text).partition(":")
    if not colon:
        return Credentials(admin_key=key)
    try:
        attributes = parse_json(base64.b64decode(user, validate=True).decode())
        return Credentials(admin_key=key, acting_as=user_attributes(attributes))
    except (binascii.Error, ValueError, JsonTextError):
        raise RequestRefused("Malformed Authorization header.", code="HeaderParseFailure") from None


def without_type_prefix(key: str) -> str:
    """Drops ``prod:`` and the like before the deployment's name, and all of ``preview:…|`` and ``project:…|``."""
    name, bar, secret = key.partition("|")
    kind, colon, deployment = name.partition(":")
    if not bar or not colon:
        return key
    return secret if kind.lower() in ("preview", "project") else f"{deployment}|{secret}"


class Authenticator:
    """Checks credentials for one deployment.

    Args:
        admin_key: the key that makes an administrator; it may not contain a colon.
        verify_token: gives the user of a token, or refuses it; without it every token is refused.

    Raises:
        ValueError: for an empty key or one with a colon.
    """

    def __init__(self, admin_key: str, verify_token: Callable[[str], Identity] | None = None) -> None:
        if not admin_key or ":" in without_type_prefix(admin_key):
            raise ValueError(
                "admin key must not be empty or contain ':', because clients append the user to act as behind a colon"
            )
        self._verify_token = verify_token or (lambda token: tokens.verify_token(token, (), 0.0))
        self._accepted = {without_type_prefix(admin_key), admin_key}
        # `preview:team:project|secret` arrives as `secret`: what stands behind the bar is enough.
        self._accepted.add(admin_key.partition("|")[2] or admin_key)

    def identify(self, credentials: Credentials) -> Identity:
        """Who the caller is.

        Raises:
            RequestRefused: for a wrong key, and for a token that is not good.
        """
        if credentials.token is not None:
            return self._verify_token(credentials.token)
        if credentials.admin_key is None:
            return ANONYMOUS
        key = _without_deployment_type(credentials.admin_key)
        if not any(_equal(key, accepted) for accepted in self._accepted):
            raise RequestRefused(
                "The provided admin key was invalid for this instance",
                code="BadAdminKey",
                kind=ErrorKind.UNAUTHENTICATED,
            )
        return Identity(is_admin=True) if credentials.acting_as is None else acting_as(credentials.acting_as)


def _without_deployment_type(key: str) -> str:
    """Drops what stands before a colon in the deployment's name; of keys in URLs and bodies nothing else goes."""
    name, bar, secret = key.partition("|")
    return f"{name.partition(':')[2] or name}|{secret}" if bar else key


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def require_admin(identity: Identity) -> None:
    """Lets administrators pass.

    Raises:
        RequestRefused: ``BadDeployKey`` for everybody else.
    """
    if not identity.is_admin:
        raise RequestRefused(
            "The provided deploy key was invalid for this deployment. Double check that the environment this key "
            "was generated for matches the desired deployment.",
            code="BadDeployKey",
            kind=ErrorKind.FORBIDDEN,
        )

"""The public keys of providers of tokens: found by OpenID Connect discovery, or at a URL.

convex-backend crates/authentication/src/lib.rs ``validate_id_token`` and ``fetch_jwks``; get-convex/openidconnect-rs
src/discovery/mod.rs, src/types/jwks.rs (checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.fetch_messages import FetchResponse
from convex_mastra_emulator.runtime.http_cache import CachedFetch

Keys = Sequence[Mapping[str, Any]]
"""JSON web keys."""

_DISCOVERY = ".well-known/openid-configuration"
_JSON, _JWKS = "application/json", "application/jwk-set+json"
# crates/errors/src/lib.rs ``ErrorCode::from_http_status_code``
_KINDS = {
    401: ErrorKind.UNAUTHENTICATED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    429: ErrorKind.RATE_LIMITED,
}


class ProviderKeys:
    """Asks for keys.

    Args:
        http: what asks, and keeps answers.
    """

    def __init__(self, http: CachedFetch) -> None:
        self._http = http

    # OpenID Connect

    def discovered(self, issuer: str) -> Keys:
        """The keys of an issuer, as its discovery document tells where they are.

        Raises:
            RequestRefused: with the deployment's text, if they are not to be had.
        """
        slash = "" if issuer.endswith("/") else "/"
        metadata = self._discover(issuer, f"{issuer}{slash}{_DISCOVERY}", (_JSON,))
        if metadata.get("issuer") != issuer or not isinstance(metadata.get("jwks_uri"), str):
            _discovery_failed(issuer)
        keys = _keys_in(self._discover(issuer, metadata["jwks_uri"], (_JSON, _JWKS)))
        if keys is None:
            _discovery_failed(issuer)
        return keys

    def _discover(self, issuer: str, url: str, types: Sequence[str]) -> dict[str, Any]:
        try:
            response = self._http.get(url)
        except Exception as error:
            # A deployment keeps the reason to itself; who prepares answers in a test needs it.
            _discovery_failed(issuer, f": {error}")
        media_type = response.headers.get("content-type", types[0]).partition(";")[0].lower()
        if response.status != 200 or media_type not in types:
            told = f": {response.status} {_reason(response)} {response.text()}"
            _discovery_failed(issuer, told, _kind_of(response.status))
        found = _json_of(response.body)
        if not isinstance(found, dict):
            _discovery_failed(issuer)
        return found

    # A URL

    def at(self, url: str) -> Keys:
        """The keys at a URL, or in a ``data:`` URL.

        Raises:
            RequestRefused: with the deployment's text, if they are not to be had.
        """
        keys = _keys_in(_json_of(_in_data_url(url) if url.startswith("data:") else self._fetched(url)))
        if keys is None:
            raise _refused(
                f"Invalid JWKS response body from '{url}'. The response is not valid JSON or doesn't match the "
                "expected JWKS format."
            )
        return keys

    def _fetched(self, url: str) -> bytes:
        try:
            response = self._http.get(url)
        except Exception as error:
            raise _not_fetched(url, str(error)) from None
        if response.status != 200:
            raise _not_fetched(url, f"HTTP {response.status} {_reason(response)}")
        content_type = response.headers.get("content-type")
        if not _is_of_keys(content_type):
            raise _refused(
                f"Invalid Content-Type '{content_type or 'unknown'}' when fetching JWKS from '{url}'. "
                f"Expected '{_JSON}' or '{_JWKS}'."
            )
        return response.body


def _discovery_failed(issuer: str, told: str = "", kind: ErrorKind = ErrorKind.BAD_REQUEST) -> NoReturn:
    text = f"Auth provider discovery of {issuer} failed{told}"
    raise RequestRefused(text, code="AuthProviderDiscoveryFailed", kind=kind) from None


def _kind_of(status: int) -> ErrorKind:
    return ErrorKind.OVERLOADED if 500 <= status <= 599 else _KINDS.get(status, ErrorKind.BAD_REQUEST)


def _reason(response: FetchResponse) -> str:
    try:
        return HTTPStatus(response.status).phrase
    except ValueError:
        return "Unknown"


def _refused(text: str) -> RequestRefused:
    return RequestRefused(text, code="InvalidAuthHeader", kind=ErrorKind.UNAUTHENTICATED)


def _not_fetched(url: str, reason: str) -> RequestRefused:
    return _refused(f"Could not fetch JWKS from URL '{url}': {reason}. Check that the URL is correct and accessible.")


def _is_of_keys(content_type: str | None) -> bool:
    media_type, *parameters = (content_type or "").lower().split(";")
    charsets = [value for name, _, value in (each.strip().partition("=") for each in parameters) if name == "charset"]
    return media_type.strip() in (_JSON, _JWKS) and all(value.strip('"') == "utf-8" for value in charsets)


def _in_data_url(url: str) -> bytes:
    """What a ``data:`` URL holds (RFC 2397); whitespace and missing padding are as good to browsers as none."""
    media_type, comma, text = url.removeprefix("data:").partition(",")
    data = unquote_to_bytes(text.partition("#")[0])
    try:
        if not comma:
            raise ValueError("no comma")
        if not media_type.replace(" ", "").lower().endswith(";base64"):
            return data
        data = b"".join(data.split()).rstrip(b"=")
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _refused(
            "Invalid JWKS data URL. Check that the data URL is properly formatted and contains valid "
            "base64-encoded JSON."
        ) from None


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _keys_in(found: Any) -> Keys | None:
    keys = found.get("keys") if isinstance(found, dict) else None
    return keys if isinstance(keys, list) and all(isinstance(key, dict) for key in keys) else None

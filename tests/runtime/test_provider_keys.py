"""Keys of providers: where they are looked for, and what is said when they are not to be had.

Rules: convex-backend crates/authentication/src/lib.rs ``validate_id_token``, ``fetch_jwks``.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.fetch import Fetches
from convex_mastra_emulator.runtime.http_cache import CachedFetch
from convex_mastra_emulator.runtime.provider_keys import ProviderKeys

ISSUER = "https://a.com"
DISCOVERY = "https://a.com/.well-known/openid-configuration"
JWKS = "https://a.com/jwks"
KEYS = {"keys": [{"kty": "RSA", "kid": "1"}]}
METADATA = {"issuer": ISSUER, "jwks_uri": JWKS}


@pytest.fixture
def fetches() -> Fetches:
    return Fetches()


@pytest.fixture
def keys(fetches: Fetches) -> ProviderKeys:
    return ProviderKeys(CachedFetch(fetches.answer, lambda: 0.0))


Told = tuple[str, str, ErrorKind]


def refused_discovery(keys: ProviderKeys) -> Told:
    with pytest.raises(RequestRefused) as refused:
        keys.discovered(ISSUER)
    return refused.value.message, refused.value.code, refused.value.kind


def refused_url(keys: ProviderKeys, url: str = JWKS) -> str:
    with pytest.raises(RequestRefused) as refused:
        keys.at(url)
    assert (refused.value.code, refused.value.kind) == ("InvalidAuthHeader", ErrorKind.UNAUTHENTICATED)
    return refused.value.message


# Discovery


@pytest.mark.parametrize("issuer", ["https://a.com", "https://a.com/", "https://a.com/tenant/"])
def test_keys_are_found_where_the_discovery_document_says(fetches: Fetches, keys: ProviderKeys, issuer: str) -> None:
    fetches.respond(f"{issuer.rstrip('/')}/.well-known/openid-configuration", json={**METADATA, "issuer": issuer})
    fetches.respond(JWKS, json=KEYS, headers={"content-type": "application/jwk-set+json"})

    assert keys.discovered(issuer) == KEYS["keys"]


def test_a_provider_that_nobody_has_prepared_says_what_to_do(keys: ProviderKeys) -> None:
    message, code, kind = refused_discovery(keys)

    assert message.startswith(f"Auth provider discovery of {ISSUER} failed: fetch of GET {DISCOVERY}: nothing was prep")
    assert (code, kind) == ("AuthProviderDiscoveryFailed", ErrorKind.BAD_REQUEST)


@pytest.mark.parametrize(
    ("status", "shown", "kind"),
    [
        (401, "401 Unauthorized", ErrorKind.UNAUTHENTICATED),
        (403, "403 Forbidden", ErrorKind.FORBIDDEN),
        (404, "404 Not Found", ErrorKind.NOT_FOUND),
        (410, "410 Gone", ErrorKind.BAD_REQUEST),
        (429, "429 Too Many Requests", ErrorKind.RATE_LIMITED),
        (503, "503 Service Unavailable", ErrorKind.OVERLOADED),
    ],
)
def test_a_status_of_failure_is_told(
    fetches: Fetches, keys: ProviderKeys, status: int, shown: str, kind: ErrorKind
) -> None:
    fetches.respond(DISCOVERY, text="no such tenant", status=status)

    text = f"Auth provider discovery of {ISSUER} failed: {shown} no such tenant"
    assert refused_discovery(keys) == (text, "AuthProviderDiscoveryFailed", kind)


def test_a_page_is_no_discovery_document(fetches: Fetches, keys: ProviderKeys) -> None:
    fetches.respond(DISCOVERY, text="<html>", headers={"content-type": "text/html"})

    assert refused_discovery(keys)[0] == f"Auth provider discovery of {ISSUER} failed: 200 OK <html>"


@pytest.mark.parametrize(
    "document",
    [[], {}, {"issuer": ISSUER}, {"issuer": "https://b.com", "jwks_uri": JWKS}, {**METADATA, "issuer": f"{ISSUER}/"}],
)
def test_a_document_of_somebody_else_is_refused(fetches: Fetches, keys: ProviderKeys, document: Any) -> None:
    fetches.respond(DISCOVERY, json=document)
    fetches.respond(JWKS, json=KEYS)

    assert refused_discovery(keys)[0] == f"Auth provider discovery of {ISSUER} failed"


@pytest.mark.parametrize("found", [[], {}, {"keys": {}}, {"keys": ["a"]}])
def test_keys_that_are_none_end_the_discovery(fetches: Fetches, keys: ProviderKeys, found: Any) -> None:
    fetches.respond(DISCOVERY, json=METADATA)
    fetches.respond(JWKS, json=found)

    assert refused_discovery(keys)[0] == f"Auth provider discovery of {ISSUER} failed"


# A URL


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/jwk-set+json", "Application/JSON; charset=UTF-8", "application/json; x=y"],
)
def test_keys_at_a_url(fetches: Fetches, keys: ProviderKeys, content_type: str) -> None:
    fetches.respond(JWKS, json=KEYS, headers={"content-type": content_type})

    assert keys.at(JWKS) == KEYS["keys"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=latin-1"])
def test_another_content_type_is_refused(fetches: Fetches, keys: ProviderKeys, content_type: str) -> None:
    fetches.respond(JWKS, json=KEYS, headers={"content-type": content_type})

    assert refused_url(keys) == (
        f"Invalid Content-Type '{content_type}' when fetching JWKS from '{JWKS}'. Expected 'application/json' or "
        "'application/jwk-set+json'."
    )


def test_no_content_type_is_unknown(fetches: Fetches, keys: ProviderKeys) -> None:
    fetches.respond(JWKS, body=json.dumps(KEYS).encode())

    assert "Invalid Content-Type 'unknown'" in refused_url(keys)


def test_a_url_that_is_not_there(fetches: Fetches, keys: ProviderKeys) -> None:
    fetches.respond(JWKS, status=404)

    assert refused_url(keys) == (
        f"Could not fetch JWKS from URL '{JWKS}': HTTP 404 Not Found. Check that the URL is correct and accessible."
    )


def test_a_url_nobody_answers(fetches: Fetches, keys: ProviderKeys) -> None:
    fetches.fail(JWKS, text="connection refused")

    assert refused_url(keys) == (
        f"Could not fetch JWKS from URL '{JWKS}': connection refused. Check that the URL is correct and accessible."
    )


@pytest.mark.parametrize("body", [b"no", b"[]", b"{}", b'{"keys": 5}', b"[" * 100_000])
def test_what_are_no_keys(fetches: Fetches, keys: ProviderKeys, body: bytes) -> None:
    fetches.respond(JWKS, body=body, headers={"content-type": "application/json"})

    assert refused_url(keys) == (
        f"Invalid JWKS response body from '{JWKS}'. The response is not valid JSON or doesn't match the expected JWKS "
        "format."
    )


# A data: URL

ENCODED = base64.b64encode(json.dumps(KEYS).encode()).decode()


@pytest.mark.parametrize(
    "url",
    [
        f"data:application/json;base64,{ENCODED}",
        f"data:;BASE64,{ENCODED.rstrip('=')}",
        f"data:text/plain;charset=utf-8;base64,{ENCODED[:8]} {ENCODED[8:]}",
        "data:application/json," + json.dumps(KEYS),
        "data:application/json," + json.dumps(KEYS).replace('"', "%22"),
    ],
)
def test_keys_in_a_data_url(keys: ProviderKeys, url: str) -> None:
    assert keys.at(url) == KEYS["keys"]


@pytest.mark.parametrize("url", ["data:application/json;base64,!!", "data:application/json;base64,A", "data:x"])
def test_a_data_url_that_cannot_be_read(keys: ProviderKeys, url: str) -> None:
    text = (
        "Invalid JWKS data URL. Check that the data URL is properly formatted and contains valid base64-encoded JSON."
    )

    assert re.fullmatch(re.escape(text), refused_url(keys, url))


def test_a_data_url_of_something_else(keys: ProviderKeys) -> None:
    assert refused_url(keys, "data:,no").startswith("Invalid JWKS response body from 'data:,no'.")

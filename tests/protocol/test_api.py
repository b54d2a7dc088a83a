"""Where sockets are, and which client a socket is of (convex-wire.md §3.1)."""

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.protocol.http_exchange import HttpRequest
from tests.protocol.sync_client import SyncClient, add, api_of


@pytest.mark.parametrize("path", ["/api/sync", "/api/1.48.0/sync", "/api/1.28.0-alpha.1/sync"])
def test_sockets_are_opened_at(emulator: Emulator, path: str) -> None:
    assert api_of(emulator).sync_endpoint(path, None) is not None


@pytest.mark.parametrize("path", ["/", "/sync", "/api/sync/", "/api/1.48.0/sync/x", "/api//sync", "/api/query"])
def test_no_sockets_are_at(emulator: Emulator, path: str) -> None:
    assert api_of(emulator).sync_endpoint(path, None) is None


@pytest.mark.parametrize("version", ["latest", "1.48", "v1.48.0", "1.48.0.1"])
def test_version_in_the_path_must_be_one(emulator: Emulator, version: str) -> None:
    with pytest.raises(RequestRefused, match="Failed to parse client version: ") as refused:
        api_of(emulator).sync_endpoint(f"/api/{version}/sync", None)

    assert (refused.value.code, refused.value.kind.status) == ("InvalidClientVersion", 400)


def test_unsupported_version_is_refused(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match=r"npm package at version 0\.19\.1 is no longer supported") as refused:
        api_of(emulator).sync_endpoint("/api/0.19.1/sync", None)

    assert refused.value.code == "ClientVersionUnsupported"
    assert api_of(emulator).sync_endpoint("/api/0.19.2/sync", None) is not None


def test_header_wins_over_the_path(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match=r"python package at version 0\.0\.2 is no longer supported"):
        api_of(emulator).sync_endpoint("/api/1.48.0/sync", "python-0.0.2")


def test_unreadable_header_is_refused(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match="Failed to parse client version string: 'python'"):
        api_of(emulator).sync_endpoint("/api/sync", "python")


# Both protocols are doors of one deployment.
def test_a_request_is_seen_by_a_socket(emulator: Emulator) -> None:
    api = api_of(emulator)
    client = SyncClient(api)
    client.modify(add(0, "mastra/memory:missing"))
    body = b'{"path":"mastra/cache:handle","args":{"op":"increment","key":"k","keyPrefix":"","expiresAt":null}}'
    key = {"authorization": "Convex happy-animal-123|0123456789abcdef", "content-type": "application/json"}

    response, _ = api.http.handle(HttpRequest(method="POST", path="/api/mutation", headers=key, body=body))

    assert response.status == 200
    assert emulator.table_counts() == {"mastra_cache": 1}

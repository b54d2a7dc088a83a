"""The `Convex-Client` header: which clients are served, and which format they get unasked.

Rules: convex-backend crates/common/src/version.rs and deprecation.json (convex-wire.md §1.3).
"""

import json
import time
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, query
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.client_version import parse_client_version
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

STATE = "x-convex-deprecation-state"
MESSAGE = "x-convex-deprecation-message"

CLEAN = "7"
ENCODED = {"$integer": "BwAAAAAAAAA="}


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    emulator.define("values:seven", query(lambda ctx, args: ConvexInt64(7)))
    return HttpApi(emulator, Authenticator("versions|secret"), instance_name="versions")


def call(
    api: HttpApi, client: str | None, *, path: str = "/api/query", **fields: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {"content-type": "application/json"} | ({} if client is None else {"convex-client": client})
    body = json.dumps({"path": "values:seven", "args": {}} | fields).encode()
    response, _ = api.handle(HttpRequest(method="POST", path=path, headers=headers, body=body))
    return response.status, json.loads(response.body), dict(response.headers)


@pytest.mark.parametrize(
    ("client", "value"),
    [
        ("npm-1.4.0", ENCODED),
        ("npm-1.4.1", CLEAN),
        ("npm-cli-1.4.0", ENCODED),
        ("npm-cli-1.4.1", CLEAN),
        ("actions-1.4.0", ENCODED),
        ("actions-1.4.1", CLEAN),
        ("python-0.4.9", ENCODED),
        ("python-0.5.0", CLEAN),
        ("python-convex-0.4.9", ENCODED),
        ("NPM-1.4.0", ENCODED),
        ("npm-1.4.1-alpha.0", ENCODED),
        ("npm-1.48.0-alpha.0", CLEAN),
        ("rust-0.0.2", CLEAN),
        ("dashboard-0.0.0", CLEAN),
        ("my-esolang-client-0.0.1", CLEAN),
        ("swift-unreleased", CLEAN),
        (None, CLEAN),
    ],
)
def test_the_format_of_an_answer_depends_on_the_client(api: HttpApi, client: str | None, value: Any) -> None:
    status, answer, _ = call(api, client)

    assert (status, answer["value"]) == (200, value)


def test_a_format_that_is_asked_for_wins_over_the_client(api: HttpApi) -> None:
    assert call(api, "npm-1.4.0", format="json")[1]["value"] == CLEAN
    assert call(api, "npm-1.48.0", format="convex_encoded_json")[1]["value"] == ENCODED


def test_a_client_without_a_version_is_refused(api: HttpApi) -> None:
    status, answer, _ = call(api, "curl")

    assert (status, answer["code"]) == (400, "InvalidClientVersion")
    assert answer["message"] == (
        "Failed to parse client version string: 'curl'. "
        "Expected format is {client_name}-{semver}, e.g. my-esolang-client-0.0.1"
    )


# Both thresholds are inclusive; a version that is no semver counts as reached (convex-wire.md §1.3).
@pytest.mark.parametrize(
    "client",
    ["npm-0.19.1", "npm-cli-0.19.1", "actions-0.0.1", "python-0.0.2", "rust-0.0.1", "npm-abc", "python-abc", "rust-x"],
)
def test_a_client_too_old_is_refused_and_told_in_headers(api: HttpApi, client: str) -> None:
    status, answer, headers = call(api, client)

    assert (status, answer["code"], headers[STATE]) == (400, "ClientVersionUnsupported", "Unsupported")
    assert headers[MESSAGE] == answer["message"]


@pytest.mark.parametrize("client", ["python-0.0.3", "python-0.2.0"])
def test_an_old_client_is_served_and_told_to_upgrade(api: HttpApi, client: str) -> None:
    status, answer, headers = call(api, client)

    assert (status, answer["status"], headers[STATE]) == (200, "success", "UpgradeRequired")
    assert headers[MESSAGE]


# Whoever reads the header has to see it on this route too.
def test_an_old_client_is_told_to_upgrade_on_the_route_with_the_path_in_the_url(api: HttpApi) -> None:
    status, _, headers = call(api, "python-0.2.0", path="/api/run/values/seven")

    assert (status, headers.get(STATE)) == (200, "UpgradeRequired")


@pytest.mark.parametrize("client", ["npm-0.19.2", "python-0.2.1", "rust-0.0.2", "kotlin-0.0.0", "other-abc", None])
def test_a_current_client_is_told_nothing(api: HttpApi, client: str | None) -> None:
    status, _, headers = call(api, client)

    assert (status, STATE in headers, MESSAGE in headers) == (200, False, False)


# Each hyphen may begin a version: looking for one behind 100,000 of them took more than a minute, for a request that
# needs no key.
@pytest.mark.parametrize("client", [100_000 * "-", "npm-" + 20_000 * "1.1.1-", "npm-1." + 10_000 * "1" + ".1"])
def test_a_long_header_names_no_version_and_takes_no_time(client: str) -> None:
    started = time.perf_counter()

    assert parse_client_version(client).version is None
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(("length", "is_read"), [(512, True), (513, False)])
def test_length_of_a_header_that_names_a_version(length: int, is_read: bool) -> None:
    client = parse_client_version("a" * (length - len("-1.2.3")) + "-1.2.3")

    assert (client.version == (1, 2, 3, True)) is is_read

"""PyPI `requests` uploads and fetches files and calls HTTP actions, beside PyPI `convex`' HTTP client."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from convex.http_client import ConvexHttpClient

from convex_mastra_emulator.server.process import ServedProcess

DEADLINE_SECONDS = 30
BODY = bytes(range(256)) * 500

pytestmark = pytest.mark.xdist_group("pypi requests")


@pytest.fixture(scope="module")
def served() -> Iterator[ServedProcess]:
    source = "tests.clients.live_functions"
    with ServedProcess(functions=f"{source}:FUNCTIONS", http=f"{source}:ROUTER") as served:
        yield served


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def uploaded(served: ServedProcess, session: requests.Session, **options: Any) -> str:
    url = ConvexHttpClient(served.url).mutation("live:uploadUrl", {})
    response = session.post(url, timeout=DEADLINE_SECONDS, **options)
    assert response.status_code == 200, response.text
    return str(response.json()["storageId"])


def url_of(served: ServedProcess, storage_id: str) -> str:
    return str(ConvexHttpClient(served.url).query("live:fileUrl", {"id": storage_id}))


def test_a_file_comes_back_as_it_was_sent(served: ServedProcess, session: requests.Session) -> None:
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    headers = {"Content-Type": "audio/mpeg", "Digest": f"sha-256={digest}"}

    url = url_of(served, uploaded(served, session, data=BODY, headers=headers))
    response = session.get(url, timeout=DEADLINE_SECONDS)

    assert url.startswith(f"{served.url}/api/storage/")
    assert (response.content, response.headers["Content-Type"]) == (BODY, "audio/mpeg")
    assert response.headers["Digest"] == f"sha-256={digest}"


# A generator has no length: it is sent in chunks.
def test_a_stream_is_taken(served: ServedProcess, session: requests.Session) -> None:
    chunks = (BODY[start : start + 1000] for start in range(0, len(BODY), 1000))

    url = url_of(served, uploaded(served, session, data=chunks))

    response = session.get(url, timeout=DEADLINE_SECONDS)
    assert response.content == BODY
    assert "Content-Type" not in response.headers


# One connection is used again after a refusal whose body nobody wanted.
def test_a_refused_upload_leaves_the_connection_usable(served: ServedProcess, session: requests.Session) -> None:
    refused = session.post(f"{served.url}/api/storage/upload?token=x", data=BODY * 50, timeout=DEADLINE_SECONDS)
    again = session.get(f"{served.url}/version", timeout=DEADLINE_SECONDS)

    assert (refused.status_code, refused.json()["code"]) == (401, "StorageTokenInvalid")
    assert again.status_code == 200


def test_a_webhook_is_answered(served: ServedProcess, session: requests.Session) -> None:
    response = session.post(f"{served.site_url}/receive", json={"n": 1}, timeout=DEADLINE_SECONDS)

    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (201, "*")
    assert response.json() == {"sent": {"n": 1}, "by": None, "url": f"{served.site_url}/receive"}


def test_a_webhook_that_sends_no_json_sees_why(served: ServedProcess, session: requests.Session) -> None:
    response = session.post(f"{served.site_url}/receive", data="{", timeout=DEADLINE_SECONDS)

    assert response.status_code == 500
    assert "Server Error: Uncaught SyntaxError: " in response.json()["code"]

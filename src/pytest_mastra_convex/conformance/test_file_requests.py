"""Uploads and downloads of stored files over plain HTTP, as browsers and scripts do them.

convex-backend crates/local_backend/src/storage.rs (convex-wire.md §6).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_mastra_convex.conformance.plain_http import Answer, PlainHttp
from pytest_mastra_convex.probe import Probe, storage_delete, storage_upload_url, storage_url

BODY = b"\x89PNG grape"
DIGEST = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
UPLOAD = "/api/storage/upload"
MISSING = "00000000-0000-4000-8000-000000000000"


# A URL without its token: a client that builds it itself.
def test_an_upload_needs_a_token(plain_http: PlainHttp) -> None:
    answer = plain_http.post(UPLOAD, BODY, content_type="image/png")

    assert answer.refusal == (400, "BadQueryArgs")
    assert answer.message == "Failed to deserialize query string: missing field `token`"


# An old tab, whose URL was made by another deployment.
@pytest.mark.parametrize("token", [pytest.param("", id="empty"), "x", "AAAA"])
def test_a_token_must_be_one(plain_http: PlainHttp, token: str) -> None:
    answer = plain_http.post(f"{UPLOAD}?token={token}", BODY, content_type="image/png")

    assert answer.refusal == (401, "StorageTokenInvalid")
    assert answer.message == "Couldn't decode the StoreFileAuthorization token"


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405)])
def test_uploads_are_posted(plain_http: PlainHttp, method: str, status: int) -> None:
    assert plain_http.send(method, UPLOAD).status == status


# Whoever puts the document's id into the URL is told what to do.
@pytest.mark.parametrize("name", ["x", "kg2abc", "a%20b"])
def test_a_path_that_is_no_uuid_is_explained(plain_http: PlainHttp, name: str) -> None:
    answer = plain_http.send("GET", f"/api/storage/{name}")

    assert answer.refusal == (400, "InvalidStoragePath")
    assert answer.message.startswith(f'Invalid storage path: "{name.replace("%20", " ")}". Please use `storage.getUrl(')


def test_a_file_that_is_not_there_is_not_found(plain_http: PlainHttp) -> None:
    answer = plain_http.send("GET", f"/api/storage/{MISSING}")

    assert answer.refusal == (404, "FileNotFound")
    assert answer.message == f"File {MISSING} not found"


# Several parts would need a body of several; the deployment's store has only one.
@pytest.mark.parametrize("ranges", ["bytes=0-1,3-4", "bytes=x"])
def test_several_ranges_and_none_cannot_be_satisfied(plain_http: PlainHttp, ranges: str) -> None:
    answer = plain_http.send("GET", f"/api/storage/{MISSING}", Range=ranges)

    assert (answer.status, answer.body) == (416, b"")


# A page of another origin shows the pictures and uploads them.
def test_browsers_are_let_in(plain_http: PlainHttp) -> None:
    origin = "http://app.example"

    preflight = plain_http.send(
        "OPTIONS",
        UPLOAD,
        content_type=None,
        Origin=origin,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
    )
    answer = plain_http.send("GET", f"/api/storage/{MISSING}", Origin=origin)

    assert preflight.status == 200
    assert preflight.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["access-control-allow-origin"] == origin


# Files


@pytest.fixture
def upload(plain_http: PlainHttp, probe: Probe) -> Iterator[Callable[..., Answer]]:
    """Uploads a file that is gone after the test; the answer to the upload."""
    stored: list[str] = []

    def send(body: bytes = BODY, content_type: str | None = "image/png", **headers: str) -> Answer:
        [result] = probe.mutation(storage_upload_url(plain=True))
        answer = plain_http.post(path_of(result.value), body, content_type=content_type, **headers)
        if answer.status == 200:
            stored.append(answer.json()["storageId"])
        return answer

    yield send
    for storage_id in stored:
        probe.action(storage_delete(storage_id))


def path_of(url: str) -> str:
    """Path and query string of a URL."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def url_of(probe: Probe, answer: Answer) -> str:
    """The path under which an uploaded file is fetched."""
    [result] = probe.query(storage_url(answer.json()["storageId"], plain=True))
    return path_of(result.value)


# The way every app takes: a mutation gives the URL, the browser posts, a query gives the URL to show.
def test_a_file_that_was_posted_is_fetched(plain_http: PlainHttp, probe: Probe, upload: Callable[..., Answer]) -> None:
    uploaded = upload(digest=f"sha-256={DIGEST}")
    fetched = plain_http.send("GET", url_of(probe, uploaded))

    assert (uploaded.status, uploaded.headers["content-type"]) == (200, "application/json")
    assert list(uploaded.json()) == ["storageId"]
    assert (fetched.status, fetched.body) == (200, BODY)
    told = {name: fetched.headers.get(name) for name in ("content-type", "content-length", "digest", "accept-ranges")}
    assert told == {
        "content-type": "image/png",
        "content-length": str(len(BODY)),
        "digest": f"sha-256={DIGEST}",
        "accept-ranges": "bytes",
    }
    assert fetched.headers["cache-control"] == "private, max-age=2592000"


# Players of audio and video ask for a part; of the file as a whole the digest would be wrong.
@pytest.mark.parametrize(
    ("ranges", "part", "place"),
    [
        ("bytes=1-3", b"PNG", "bytes 1-3/10"),
        ("bytes=5-", b"grape", "bytes 5-9/10"),
        ("bytes=8-99", b"pe", "bytes 8-99/10"),
    ],
)
def test_a_part_is_fetched(
    plain_http: PlainHttp, probe: Probe, upload: Callable[..., Answer], ranges: str, part: bytes, place: str
) -> None:
    fetched = plain_http.send("GET", url_of(probe, upload()), Range=ranges)

    assert (fetched.status, fetched.body) == (206, part)
    assert (fetched.headers["content-range"], "digest" in fetched.headers) == (place, False)


# Scripts that post without a type: none is sent back.
def test_a_file_without_a_type_is_fetched_without(
    plain_http: PlainHttp, probe: Probe, upload: Callable[..., Answer]
) -> None:
    fetched = plain_http.send("GET", url_of(probe, upload(content_type=None)))

    assert (fetched.body, "content-type" in fetched.headers) == (BODY, False)


# A file larger than any JSON body a deployment takes.
def test_a_large_file_is_posted(plain_http: PlainHttp, probe: Probe, upload: Callable[..., Answer]) -> None:
    body = bytes(range(256)) * (17 << 12)

    fetched = plain_http.send("GET", url_of(probe, upload(body)))

    assert len(body) > 16 << 20
    assert fetched.body == body


@pytest.mark.parametrize(
    ("headers", "name"), [({"content_type": "image"}, "content-type"), ({"digest": DIGEST}, "digest")]
)
def test_headers_that_cannot_be_read_are_named(
    upload: Callable[..., Answer], headers: dict[str, Any], name: str
) -> None:
    answer = upload(**headers)

    assert answer.refusal == (400, "BadHeader")
    assert answer.message == f"Bad header for {name}: invalid HTTP header"


# A file that arrived damaged.
def test_a_digest_of_other_bytes_is_refused(upload: Callable[..., Answer]) -> None:
    answer = upload(b"other", digest=f"sha-256={DIGEST}")

    assert answer.refusal == (400, "Sha256Mismatch")
    assert answer.message.startswith(f"Sha256 mismatch. Expected: {DIGEST} Actual: ")


# HTTP actions


# A deployment without `http.ts` says so; with one that has no such route, it says that.
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_path_without_an_http_action_is_not_found(plain_http: PlainHttp, method: str) -> None:
    answer = plain_http.send(method, "/http/conformance/none", content_type=None)

    assert answer.status == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.body.decode() in (
        "This Convex deployment does not have HTTP actions enabled.",
        "No matching routes found",
    )

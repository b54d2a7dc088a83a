"""Imports and exports of a served emulator: done behind the requests, of any size, while others are answered."""

import http.client
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest

from convex_mastra_emulator import Emulator, Limits, query
from convex_mastra_emulator.server import ServedEmulator, serve
from tests.data_files.exports import lines_of

WAIT_SECONDS_MAX = 60.0


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(limits=Limits(request_body_size_max=1000))


@pytest.fixture
def served(emulator: Emulator) -> Iterator[ServedEmulator]:
    with serve(emulator) as served:
        yield served


def request(served: ServedEmulator, method: str, path: str, body: bytes = b"", **parameters: Any) -> tuple[int, Any]:
    host = served.url.removeprefix("http://")
    headers = {"Content-Type": "application/json", "Authorization": f"Convex {served.admin_key}"}
    with closing(http.client.HTTPConnection(host, timeout=WAIT_SECONDS_MAX)) as connection:
        connection.request(method, f"{path}?{urlencode(parameters)}", body, headers)
        response = connection.getresponse()
        content = response.read()
    is_json = response.getheader("content-type") == "application/json"
    return response.status, json.loads(content) if is_json else content


def query_value(served: ServedEmulator, path: str, args: Any) -> Any:
    body = json.dumps({"path": path, "args": args, "format": "json"}).encode()
    status, told = request(served, "POST", "/api/query", body)
    assert status == 200, told
    return told["value"]


def changes_of(emulator: Emulator) -> threading.Event:
    """Set at every commit."""
    changed = threading.Event()
    emulator._executor.commit_listeners.append(lambda _ts, _changes: changed.set())
    return changed


def wait_for_state(served: ServedEmulator, changed: threading.Event, path: str, args: Any, state: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        changed.clear()
        document = query_value(served, path, args)
        found = document["state"] if isinstance(document["state"], dict) else document
        if found["state"] == state:
            return found
        assert found["state"] != "failed", found
        changed.wait(WAIT_SECONDS_MAX)
    raise AssertionError(f"the state did not become {state}")


def upload(served: ServedEmulator, *parts: bytes, **described: Any) -> str:
    token = request(served, "POST", "/api/import/start_upload")[1]["uploadToken"]
    part_tokens = [
        request(served, "POST", "/api/import/upload_part", part, uploadToken=token, partNumber=number)[1]
        for number, part in enumerate(parts, start=1)
    ]
    body = {"import": described, "uploadToken": token, "partTokens": part_tokens}
    status, told = request(served, "POST", "/api/import/finish_upload", json.dumps(body).encode())
    assert status == 200, told
    return str(told["importId"])


# Many rows, as somebody brings them from production: whoever asks meanwhile is answered.
def test_a_large_import_runs_behind_the_requests(emulator: Emulator, served: ServedEmulator) -> None:
    emulator.define("small:read", query(lambda ctx, args: len(ctx.db.query("other").collect())))
    changed = changes_of(emulator)
    data = lines_of({"n": n, "text": "some text of a message"} for n in range(30_000)).encode()
    half = len(data) // 2
    import_id = upload(served, data[:half], data[half:], tableName="notes", format="jsonLines")
    watched = ("_system/cli/queryImport", {"importId": import_id})
    wait_for_state(served, changed, *watched, "waiting_for_confirmation")

    request(served, "POST", "/api/perform_import", json.dumps({"importId": import_id}).encode())
    answers = messages = 0
    while (state := query_value(served, *watched)["state"])["state"] == "in_progress":
        answers += query_value(served, "small:read", {}) == 0
        messages += "documents)" in state["progress_message"]

    assert state["num_rows_written"] == "30000"
    assert answers > 5
    assert messages > 0
    assert emulator.table_counts() == {"notes": 30_000}


def test_one_request_may_bring_a_file_of_any_size(emulator: Emulator, served: ServedEmulator) -> None:
    data = lines_of({"n": n} for n in range(200)).encode()
    assert len(data) > emulator.limits.request_body_size_max

    assert request(served, "POST", "/api/import", data, tableName="notes", format="jsonLines") == (
        200,
        {"numWritten": 200},
    )


def test_other_bodies_keep_their_limit(served: ServedEmulator) -> None:
    status, told = request(served, "POST", "/api/import/finish_upload", b" " * 1001)

    assert (status, told["message"]) == (400, "Failed to buffer the request body: length limit exceeded")


def test_an_export_is_made_behind_the_request(emulator: Emulator, served: ServedEmulator) -> None:
    emulator.run(lambda ctx: ctx.db.insert("notes", {"n": 1.0}))
    changed = changes_of(emulator)
    assert request(served, "POST", "/api/export/request/zip")[0] == 200

    done = wait_for_state(served, changed, "_system/cli/exports:getLatest", {}, "completed")
    status, content = request(served, "GET", f"/api/export/zip/{done['start_ts']}")

    target = Emulator()
    target.import_zip(io.BytesIO(content))
    assert (status, target.table_counts()) == (200, {"notes": 1})


# `process.env.CONVEX_CLOUD_URL`, and what `npx convex function-spec` prints.
def test_functions_know_the_url_while_it_is_served(emulator: Emulator) -> None:
    emulator.define("url:read", query(lambda ctx, args: ctx.env.get("CONVEX_CLOUD_URL")))

    with serve(emulator) as outer:
        with serve(emulator) as inner:
            assert emulator.query("url:read") == inner.url
        assert emulator.query("url:read") == outer.url

    assert emulator.query("url:read") == "http://127.0.0.1:3210"

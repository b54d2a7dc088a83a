"""Exchanges as bytes on a socket, against the served emulator: what a client in any language would send and get.

Rules: convex-backend crates/local_backend/src/public_api.rs and router.rs (convex-wire.md §1).
"""

import socket
from dataclasses import dataclass

import pytest

from tests.clients.node_cases import ServedDeployment

TIMEOUT_SECONDS = 30

pytestmark = pytest.mark.xdist_group("raw http")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came, its head split into lines."""

    status: str
    headers: dict[str, str]
    body: bytes


def exchange(served: ServedDeployment, *parts: bytes) -> Answer:
    """Send the parts, which end with a request to close, and read until the server does."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), TIMEOUT_SECONDS) as connection:
        for part in parts:
            connection.sendall(part)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    return read_answer(received)


def read_answer(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(status, headers, body)


def post(path: str, body: bytes, *lines: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


JSON = "Content-Type: application/json"
LOAD = (
    b'{"path":"mastra/storage:handle","args":{"op":"load","tableName":"raw_none","keys":{"id":"raw"}},"format":"json"}'
)


def test_a_success(served: ServedDeployment) -> None:
    answer = exchange(served, post("/api/mutation", LOAD, JSON))

    assert answer.status == "HTTP/1.1 200 OK"
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == b'{"status":"success","value":{"ok":true,"result":null}}'
    assert answer.headers["content-length"] == str(len(answer.body))


def test_a_function_error(served: ServedDeployment) -> None:
    body = b'{"path":"raw:missing","args":{}}'

    answer = exchange(served, post("/api/query", body, JSON, "Convex-Request-Id: raw-1"))

    assert answer.status == "HTTP/1.1 200 OK"
    assert answer.body == (
        rb'{"status":"error","errorMessage":"[Request ID: raw-1] Server Error\n'
        rb"""Could not find public function for 'raw:missing'.\n"}"""
    )


def test_a_refusal(served: ServedDeployment) -> None:
    answer = exchange(served, post("/api/query", b'{"path":"a:b","args":{}}', JSON, "Authorization: Convex wrong|key"))

    assert answer.status == "HTTP/1.1 401 Unauthorized"
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == b'{"code":"BadAdminKey","message":"The provided admin key was invalid for this instance"}'


def test_the_key_that_was_printed_is_taken(served: ServedDeployment) -> None:
    key = f"Authorization: Convex {served.admin_key}"

    answer = exchange(served, post("/api/function", LOAD, JSON, key))

    assert answer.body == b'{"status":"success","value":{"ok":true,"result":null}}'


def test_a_body_in_chunks(served: ServedDeployment) -> None:
    head = (
        b"POST /api/mutation HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (LOAD[:10], LOAD[10:50], LOAD[50:])]

    answer = exchange(served, head, *chunks, b"0\r\n\r\n")

    assert answer.body == b'{"status":"success","value":{"ok":true,"result":null}}'


# curl waits for this before it sends a large body.
def test_a_client_that_expects_to_be_told_to_continue(served: ServedDeployment) -> None:
    answer = exchange(served, post("/api/mutation", LOAD, JSON, "Expect: 100-continue"))

    assert answer.status == "HTTP/1.1 100 Continue"
    assert read_answer(answer.body).body == b'{"status":"success","value":{"ok":true,"result":null}}'


@pytest.mark.parametrize(
    ("line", "status"),
    [("GET /nothing", "HTTP/1.1 404 Not Found"), ("GET /api/mutation", "HTTP/1.1 405 Method Not Allowed")],
)
def test_no_such_route_or_method(served: ServedDeployment, line: str, status: str) -> None:
    answer = exchange(served, f"{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())

    assert (answer.status, answer.headers["content-length"], answer.body) == (status, "0", b"")


def test_a_preflight(served: ServedDeployment) -> None:
    lines = [
        "OPTIONS /api/query HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Origin: http://localhost:5173",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
    ]

    answer = exchange(served, "\r\n".join([*lines, "", ""]).encode())

    assert (answer.status, answer.body) == ("HTTP/1.1 200 OK", b"")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert answer.headers["access-control-allow-headers"] == "content-type"

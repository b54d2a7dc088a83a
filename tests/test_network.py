"""Requests that are let out: over a real socket, to a server of this test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from convex_mastra_emulator import Emulator, FunctionError, action
from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.network import send
from convex_mastra_emulator.runtime.fetch_messages import new_request


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; `/away` leads to `/there`, `/silent` says nothing until the test ends."""

    ended: threading.Event

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.ended.wait(60)
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        told = {"method": self.command, "path": self.path, "agent": self.headers["user-agent"], "body": body}
        data = json.dumps({**told, "key": self.headers["x-key"]}).encode()
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "/there")
        self.send_header("X-Answer", "yes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("EchoOfTest", (Echo,), {"ended": ended}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    ended.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_request_is_sent_as_it_is(url: str) -> None:
    response = send(new_request(f"{url}/a?b=1", "POST", {"X-Key": "k"}, "text"))

    assert response.json() == {"method": "POST", "path": "/a?b=1", "agent": "Convex/1.0", "body": "text", "key": "k"}
    assert (response.status, response.headers["x-answer"]) == (200, "yes")


def test_action_reaches_a_server_when_it_may(url: str) -> None:
    emulator = Emulator(allow_network=True)
    emulator.define("test:act", action(lambda ctx, args: ctx.fetch(f"{url}/away").json()["path"]))

    assert emulator.action("test:act") == "/there"
    assert [request.url for request in emulator.fetch.requests] == [f"{url}/away", f"{url}/there"]


def test_action_does_not_reach_it_otherwise(url: str) -> None:
    emulator = Emulator()
    emulator.define("test:act", action(lambda ctx, args: ctx.fetch(url)))

    with pytest.raises(FunctionError, match="lets nothing out"):
        emulator.action("test:act")


def test_nobody_there_is_the_deployments_error() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        port = server.server_address[1]

    with pytest.raises(ThrownError, match=rf"^error sending request for url \(http://127.0.0.1:{port}/\)"):
        send(new_request(f"http://127.0.0.1:{port}"))


def test_answer_that_does_not_come_is_an_error(url: str) -> None:
    with pytest.raises(ThrownError, match="error sending request for url"):
        send(new_request(f"{url}/silent"), timeout_seconds=0.2)

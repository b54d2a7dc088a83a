"""A token whose provider is slow to answer: whoever brought it waits, and nobody else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from websockets.sync.client import connect as connect_socket

from convex_mastra_emulator import Emulator, FetchRequest, FetchResponse, query
from convex_mastra_emulator.pushes import PushedApp
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule
from convex_mastra_emulator.server import ServedEmulator, serve
from tests.signed_tokens import KEYS, RSA_KEY, signed

ISSUER = "https://a.com"
SOURCE = """
export default {
  providers: [{ type: "customJwt", issuer: "https://a.com", jwks: "https://a.com/keys", algorithm: "RS256" }],
};
"""


class SlowProvider:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()

    def answer(self, _request: FetchRequest) -> FetchResponse:
        self.was_asked.set()
        assert self.may_answer.wait(20)
        return FetchResponse.of(json=KEYS)


@pytest.fixture
def provider() -> SlowProvider:
    return SlowProvider()


@pytest.fixture
def served(provider: SlowProvider) -> Iterator[ServedEmulator]:
    with Emulator(seed=1) as emulator:
        config = PushedModule("auth.config.js", SOURCE, None, "isolate")
        emulator.pushes.finish(emulator.pushes.start(PushedApp(schema=None, changed=[config])).id)
        emulator.define("users:who", query(lambda ctx, args: (ctx.auth.get_user_identity() or {}).get("subject")))
        emulator.fetch.respond(f"{ISSUER}/keys", provider.answer)
        with serve(emulator) as served:
            yield served


def token() -> str:
    now_s = int(time.time())
    return signed(RSA_KEY, "RS256", "rsa", iss=ISSUER, sub="ada", iat=now_s, exp=now_s + 600)


def who(served: ServedEmulator, **headers: str) -> Any:
    body: Any = {"path": "users:who", "args": {}}
    return requests.post(f"{served.url}/api/query", json=body, headers=headers, timeout=20).json()["value"]


def test_others_are_answered_while_a_request_waits(served: ServedEmulator, provider: SlowProvider) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(who, served, authorization=f"Bearer {token()}")
        assert provider.was_asked.wait(20)

        other = who(served)
        provider.may_answer.set()

        assert (other, waiting.result(20)) == (None, "ada")


def test_others_are_answered_while_a_socket_waits(served: ServedEmulator, provider: SlowProvider) -> None:
    messages = [
        {"type": "Connect", "sessionId": "e12e4ba6-2371-4018-a6c8-6cf56a737da3", "connectionCount": 0},
        {"type": "Authenticate", "baseVersion": 0, "tokenType": "User", "value": token()},
    ]
    with connect_socket(f"{served.url.replace('http', 'ws')}/api/sync", proxy=None) as socket:
        for message in messages:
            socket.send(json.dumps(message))
        assert provider.was_asked.wait(20)

        other = who(served)
        provider.may_answer.set()

        assert other is None
        assert json.loads(socket.recv(20))["endVersion"]["identity"] == 1

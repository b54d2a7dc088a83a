"""Clients of a server under load, in a process of their own: `python -m tests.server.load_client`, told by its input.

Some speak HTTP over kept connections, some the sync protocol.  They send wrong requests, cut connections with a request
under way, and come back; what they know of the counters they print in the end, as JSON.
"""

import asyncio
import json
import random
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

ANSWER_SECONDS_MAX = 60.0
COUNTERS = 8
# A time-out is an OSError, too: it is looked for first.
BROKEN = (OSError, EOFError, ConnectionClosed, InvalidHandshake)
BAD_REQUESTS = (
    b"POST /api/mutation HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"\x00\x01\x02\r\n\r\n",
    b"POST /api/query HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
)


@dataclass
class Tally:
    """What the clients of a process know in the end.

    Attributes:
        answered: increments by counter whose success was told.
        unanswered: increments whose outcome nobody told.
        exact: increments over sockets, each sent until it was answered.
        outcomes: how often what happened.
        problems: what must not happen.
    """

    answered: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    exact: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class HttpClient:
    """One client over kept connections."""

    def __init__(self, host: str, port: int, key: str, number: int, tally: Tally) -> None:
        self._address = (host, port)
        self._key = key
        self._number = number
        self._chance = random.Random(number)
        self._tally = tally
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, requests: int) -> None:
        """Sends so many requests, until one is not answered at all."""
        for _ in range(requests):
            if self._tally.problems:
                break
            draw = self._chance.random()
            if draw < 0.30:
                await self._ask("query", "counters:all", {})
            elif draw < 0.60:
                await self._increment("mutation", "counters:up", f"h{self._chance.randrange(COUNTERS)}")
            elif draw < 0.80:
                await self._store()
            elif draw < 0.90:
                await self._increment("action", "counters:act", f"a{self._chance.randrange(COUNTERS)}")
            elif draw < 0.95:
                await self._ask(
                    "query", *self._chance.choice((("counters:none", {}), ("a-b", {}), ("counters:up", {})))
                )
            elif draw < 0.97:
                await self._send_nonsense()
            else:
                await self._cut()
        self._close()

    async def _store(self) -> None:
        """Mastra's storage: a thread is written or read."""
        thread = f"thread-{self._number}-{self._chance.randrange(20)}"
        if self._chance.random() < 0.5:
            times = {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
            record = {"id": thread, "resourceId": f"resource-{self._number}", "title": "T", "metadata": "{}", **times}
            args: dict[str, Any] = {"op": "insert", "tableName": "mastra_threads", "record": record}
        else:
            args = {"op": "load", "tableName": "mastra_threads", "keys": {"id": thread}}
        answer = await self._ask("mutation", "mastra/storage:handle", args)
        if answer is not None and answer.get("status") == "success" and not answer["value"]["ok"]:
            self._tally.problems.append(f"storage refused {args}: {answer}")

    async def _increment(self, kind: str, path: str, name: str) -> None:
        answer = await self._ask(kind, path, {"name": name})
        if answer is None:
            self._tally.unanswered[name] += 1
        elif answer.get("status") == "success":
            self._tally.answered[name] += 1

    def _request(self, kind: str, path: str, args: Any) -> bytes:
        body = json.dumps({"path": path, "args": args, "format": "json"}).encode()
        lines = (
            f"POST /api/{kind} HTTP/1.1",
            "host: load",
            "content-type: application/json",
            f"authorization: Convex {self._key}",
            f"content-length: {len(body)}",
            "",
            "",
        )
        return "\r\n".join(lines).encode() + body

    async def _ask(self, kind: str, path: str, args: Any) -> dict[str, Any] | None:
        """The answer; None if there was none, or one that leaves open what happened."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                reader, writer = await self._open()
                writer.write(self._request(kind, path, args))
                status, body = await self._read_answer(reader)
        except TimeoutError:
            self._tally.problems.append(f"no answer to {kind} {path}")
            self._close()
            return None
        except BROKEN:
            self._tally.outcomes["broken"] += 1
            self._close()
            return None
        self._tally.outcomes[f"{kind} {status}"] += 1
        try:
            return dict(json.loads(body)) if status < 500 else None
        except json.JSONDecodeError:
            self._tally.outcomes["no JSON"] += 1
            return None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        return self._streams

    @staticmethod
    async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split(" ", 2)[1]), await reader.readexactly(size)

    async def _send_nonsense(self) -> None:
        """Bytes that are no request, on a connection of their own, which must be ended."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                reader, writer = await asyncio.open_connection(*self._address)
                writer.write(self._chance.choice(BAD_REQUESTS))
                answer = await reader.read()
            writer.close()
        except TimeoutError:
            self._tally.problems.append("a connection with nonsense was not ended")
            return
        except BROKEN:
            self._tally.outcomes["broken"] += 1
            return
        self._tally.outcomes[f"nonsense {answer[9:12].decode()}"] += 1

    async def _cut(self) -> None:
        """A request whose client goes: before it is whole, or before its answer."""
        name = f"h{self._chance.randrange(COUNTERS)}"
        request = self._request("mutation", "counters:up", {"name": name})
        is_whole = self._chance.random() < 0.5
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                _, writer = await self._open()
                writer.write(request if is_whole else request[: self._chance.randrange(len(request))])
                await writer.drain()
        except TimeoutError:
            self._tally.problems.append("no room for a request that is cut")
        except BROKEN:
            self._tally.outcomes["broken"] += 1
        # Nobody will know whether it ran; one that was cut must not have.
        self._tally.unanswered[name] += int(is_whole)
        self._tally.outcomes["cut, whole" if is_whole else "cut"] += 1
        self._close()

    def _close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            (writer.transport.abort if self._chance.random() < 0.5 else writer.close)()
            self._streams = None


class SocketClient:
    """One client of the sync protocol: what it has sent and not seen answered it sends again after a reconnect."""

    def __init__(self, url: str, number: int, tally: Tally) -> None:
        self._url = url.replace("http", "ws", 1) + "/api/1.48.0/sync"
        self._chance = random.Random(number)
        self._counter = f"w{number}"
        self._session_id = str(uuid.UUID(int=number + 1))
        self._tally = tally
        self._pending: dict[int, str] = {}
        self._next_id = 0
        self._highest = 0.0

    async def run(self, requests: int) -> None:
        """Makes so many increments, a few at a time."""
        sent = 0
        while (sent < requests or self._pending) and not self._tally.problems:
            try:
                async with connect(self._url, proxy=None, max_size=None) as socket:
                    sent = await self._converse(socket, sent, requests)
            except TimeoutError:
                self._tally.problems.append(f"{self._counter}: no answer")
                return
            except BROKEN:
                self._tally.outcomes["socket broken"] += 1
            except json.JSONDecodeError:
                self._tally.outcomes["socket without JSON"] += 1

    async def _converse(self, socket: ClientConnection, sent: int, requests: int) -> int:
        await self._send(socket, type="Connect", sessionId=self._session_id, connectionCount=0, clientTs=0)
        add = {"type": "Add", "queryId": 0, "udfPath": "counters:all", "args": [{}]}
        await self._send(socket, type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[add])
        for message in list(self._pending.values()):
            await socket.send(message)
        while sent < requests or self._pending:
            while sent < requests and len(self._pending) < 4:
                await self._begin(socket)
                sent += 1
            if self._chance.random() < 0.01:
                self._tally.outcomes["socket cut"] += 1
                socket.transport.abort()
                return sent
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                self._take(json.loads(await socket.recv()))
        return sent

    async def _begin(self, socket: ClientConnection) -> None:
        request_id, self._next_id = self._next_id, self._next_id + 1
        self._tally.exact[self._counter] += 1
        message = {"requestId": request_id, "udfPath": "counters:up", "args": [{"name": self._counter}]}
        self._pending[request_id] = json.dumps({"type": "Mutation", **message})
        await socket.send(self._pending[request_id])

    def _take(self, message: Any) -> None:
        self._tally.outcomes[message["type"]] += 1
        if message["type"] == "MutationResponse":
            if not message["success"]:
                self._tally.problems.append(f"{self._counter}: {message['result']}")
            self._pending.pop(message["requestId"], None)
        elif message["type"] == "Transition":
            for change in message["modifications"]:
                seen = change.get("value", {}).get(self._counter, 0.0)
                if seen < self._highest:
                    self._tally.problems.append(f"{self._counter} went back from {self._highest} to {seen}")
                self._highest = max(seen, self._highest)
        elif message["type"] not in ("Ping", "TransitionChunk"):
            self._tally.problems.append(f"{self._counter}: {message}")

    @staticmethod
    async def _send(socket: ClientConnection, **message: Any) -> None:
        await socket.send(json.dumps(message))


async def run_clients(url: str, key: str, first: int, clients: int, requests: int) -> Tally:
    """Runs clients, every fourth of which is one of the sync protocol, until they have sent all."""
    tally = Tally()
    host, port = url.removeprefix("http://").split(":")
    each = requests // clients
    async with asyncio.TaskGroup() as group:
        for number in range(first, first + clients):
            client: HttpClient | SocketClient = (
                SocketClient(url, number, tally) if number % 4 == 3 else HttpClient(host, int(port), key, number, tally)
            )
            group.create_task(client.run(each))
    return tally


def main() -> None:
    """Reads what is to be done from standard input, does it, and prints the tally."""
    told = json.loads(sys.stdin.readline())
    print(json.dumps(vars(asyncio.run(run_clients(**told)))))


if __name__ == "__main__":
    main()

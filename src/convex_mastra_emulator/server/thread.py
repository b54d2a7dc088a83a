"""A server for one emulator, in a thread of this process: for HTTP clients that are not this process' event loop.

It listens on a free port of its own and says when it accepts connections; nobody has to wait or to guess.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.runtime.environment import CLOUD_URL
from convex_mastra_emulator.server.app import Log, create_app
from convex_mastra_emulator.server.connections import CuttableHttp, CuttableSocket
from convex_mastra_emulator.server.due import running_what_is_due
from convex_mastra_emulator.server.pauses import Pauses

INSTANCE_NAME = "convex-mastra-emulator"
_BACKLOG = 2048
_STOP_SECONDS_MAX = 10
_TICK_SECONDS = 0.1
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class ServedEmulator:
    """Where an emulator can be reached.

    Attributes:
        url: what clients take as ``CONVEX_URL``, without a slash at its end.
        admin_key: what they take as ``CONVEX_ADMIN_KEY``.
    """

    url: str
    admin_key: str


class Server(uvicorn.Server):
    """A uvicorn server that tells when it is ready and leaves signals to its caller."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], pauses: Pauses | None = None) -> None:
        super().__init__(config)
        self._pauses = pauses or Pauses()
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends the server, from any thread or a signal's handler; a second call ends open connections at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        """Ticks until it is told to stop; uvicorn's own loop would notice only at the next tick."""
        self._loop = asyncio.get_running_loop()
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes what listens and what is open; answers under way get some time, but nobody waits without need."""
        self._pauses.end()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        deadline = time.monotonic() + _GRACE_SECONDS
        while (self.server_state.connections or self.server_state.tasks) and not self.force_exit:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_POLL_SECONDS)
        for task in self.server_state.tasks:
            task.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to accept connections, then says so."""
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGINT and SIGTERM alone; uvicorn would raise them again after its shutdown."""
        yield


def new_admin_key() -> str:
    """A random admin key in the deployment's form."""
    return f"{INSTANCE_NAME}|{secrets.token_hex(32)}"


def new_secret() -> str:
    """A random key to sign test tokens with."""
    return secrets.token_hex(32)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    It is made with its protocol named, because asyncio switches Nagle's algorithm off only then, and an answer
    would take 44 ms instead of 0.2 (performance.md §4).

    Raises:
        OSError: when the address cannot be had.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of what listens there."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def knowing_its_url(emulator: Emulator, url: str) -> Iterator[None]:
    """While this runs, functions find the deployment's URL in their environment, as they do on a deployment."""
    built_in = emulator.env.built_in
    before = built_in.get(CLOUD_URL)
    built_in[CLOUD_URL] = url
    try:
        yield
    finally:
        del built_in[CLOUD_URL]
        if before is not None:
            built_in[CLOUD_URL] = before


def make_server(
    emulator: Emulator,
    *,
    admin_key: str,
    version: str,
    log: Log | None,
    on_ready: Callable[[], None],
) -> Server:
    """A server that is not yet running.

    Raises:
        ValueError: for an admin key that cannot be one.
    """
    api = DeploymentApi(emulator, admin_key=admin_key, instance_name=INSTANCE_NAME, version=version)
    pauses = Pauses()
    app = create_app(api, body_size_max=emulator.limits.request_body_size_max, log=log, pauses=pauses)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        # On httptools: read in Python (h11), a request alone takes longer than the whole call in process.
        http=CuttableHttp,
        ws=CuttableSocket,
        # Numbers of a deployment: crates/local_backend/src/subs/mod.rs, crates/sync/src/worker.rs.
        ws_ping_interval=5,
        ws_ping_timeout=120,
        ws_max_size=64 << 20,
        ws_per_message_deflate=False,
    )
    return Server(config, on_ready, pauses)


@contextmanager
def serve(
    emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0, admin_key: str | None = None, log: Log | None = None
) -> Iterator[ServedEmulator]:
    """Serves an emulator while the ``with`` block runs.

    Args:
        emulator: what is served; it can be used in process at the same time.
        host: the address to listen on.
        port: 0 takes a free one.
        admin_key: a random one if None.
        log: gets one line per call of a function.

    Raises:
        OSError: when the address cannot be had.
        ValueError: for an admin key that cannot be one.
    """
    key = admin_key or new_admin_key()
    ready = threading.Event()
    server = make_server(emulator, admin_key=key, version="unknown", log=log, on_ready=ready.set)
    listener = listen(host, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="convex-emulator-server")
    thread.start()
    try:
        if not ready.wait(_STOP_SECONDS_MAX):
            raise RuntimeError(f"the server did not accept connections within {_STOP_SECONDS_MAX} seconds")
        with knowing_its_url(emulator, url_of(listener)), running_what_is_due(emulator):
            yield ServedEmulator(url_of(listener), key)
    finally:
        server.stop()
        thread.join(_STOP_SECONDS_MAX)
        listener.close()

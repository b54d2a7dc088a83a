"""A server for one emulator, in a thread of this process: for HTTP clients that are not this process' event loop.

It listens on a free port of its own and says when it accepts connections; nobody has to wait or to guess.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import uvicorn

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.server.app import Log, create_app
from convex_mastra_emulator.server.due import running_what_is_due
from convex_mastra_emulator.server.exposure import exposure_warning
from convex_mastra_emulator.server.http_connection import HttpConnection, ServerConfig
from convex_mastra_emulator.server.patience import DEFAULT_PATIENCE, Patience
from convex_mastra_emulator.server.pauses import Pauses
from convex_mastra_emulator.server.socket_connection import SocketConnection

_logger = logging.getLogger(__name__)
INSTANCE_NAME = "convex-mastra-emulator"
_BACKLOG = 2048
_STOP_SECONDS_MAX = 10
_TICK_SECONDS = 0.1
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.002
_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class ServedEmulator:
    """Where an emulator can be reached.

    Attributes:
        url: what clients take as ``CONVEX_URL``, without a slash at its end.
        admin_key: what they take as ``CONVEX_ADMIN_KEY``.
        site_url: where HTTP actions answer, without a slash at its end.
    """

    url: str
    admin_key: str = field(repr=False)
    site_url: str


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
            self._end_what_is_overdue(self._loop.time())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    def _end_what_is_overdue(self, now: float) -> None:
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, (HttpConnection, SocketConnection)):
                connection.end_if_overdue(now)

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


class PortTaken(OSError):
    """An address cannot be had; ``is_site`` tells for whom."""

    def __init__(self, error: OSError, host: str, port: int, *, is_site: bool) -> None:
        super().__init__(error.errno, error.strerror or str(error), f"{host}:{port}")
        self.is_site = is_site


@dataclass(frozen=True, slots=True)
class Listeners:
    """The sockets of a deployment: for its API, and for its HTTP actions alone."""

    api: socket.socket
    site: socket.socket

    @property
    def both(self) -> list[socket.socket]:
        """Both sockets."""
        return [self.api, self.site]

    @property
    def site_port(self) -> int:
        """The port of the second."""
        return int(self.site.getsockname()[1])

    def served(self, admin_key: str) -> ServedEmulator:
        """Where they can be reached."""
        return ServedEmulator(url_of(self.api), admin_key, url_of(self.site))

    def close(self) -> None:
        """Closes both."""
        for listener in self.both:
            listener.close()


def listen_at(host: str, port: int, site_port: int | None) -> Listeners:
    """Listens for a deployment.

    Args:
        host: the address.
        port: 0 takes a free one.
        site_port: for HTTP actions; 0 takes a free one, None the one behind ``port``, or a free one if it is taken.

    Raises:
        PortTaken: when an address cannot be had.
    """
    try:
        api = listen(host, port)
    except OSError as error:
        raise PortTaken(error, host, port, is_site=False) from None
    try:
        return Listeners(api, _listen_for_site(host, port, site_port))
    except PortTaken:
        api.close()
        raise


def _listen_for_site(host: str, port: int, site_port: int | None) -> socket.socket:
    if site_port is None and 0 < port < _PORT_MAX:
        with suppress(OSError):
            return listen(host, port + 1)
    wanted = site_port or 0
    try:
        return listen(host, wanted)
    except OSError as error:
        raise PortTaken(error, host, wanted, is_site=True) from None


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


def make_server(
    emulator: Emulator,
    *,
    admin_key: str,
    version: str,
    log: Log | None,
    on_ready: Callable[[], None],
    site_port: int,
    patience: Patience = DEFAULT_PATIENCE,
) -> Server:
    """A server that is not yet running; what comes in by ``site_port`` is for HTTP actions.

    Raises:
        ValueError: for an admin key that cannot be one.
    """
    api = DeploymentApi(emulator, admin_key=admin_key, instance_name=INSTANCE_NAME, version=version)
    pauses = Pauses()
    app = create_app(
        api,
        body_size_max=emulator.limits.request_body_size_max,
        dropped_size_max=patience.dropped_size_max,
        poll_seconds=patience.poll_seconds,
        log=log,
        pauses=pauses,
        site_port=site_port,
    )
    config = ServerConfig(
        app,
        patience,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        # Read in Python (h11), a request alone takes longer than the whole call in process.
        http=HttpConnection,
        ws=SocketConnection,
        # Numbers of a deployment: crates/local_backend/src/subs/mod.rs, crates/sync/src/worker.rs.
        ws_ping_interval=5,
        ws_ping_timeout=120,
        ws_per_message_deflate=False,
    )
    return Server(config, on_ready, pauses)


@contextmanager
def serve(
    emulator: Emulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    admin_key: str | None = None,
    log: Log | None = None,
    site_port: int | None = None,
    patience: Patience = DEFAULT_PATIENCE,
) -> Iterator[ServedEmulator]:
    """Serves an emulator while the ``with`` block runs.

    Args:
        emulator: what is served; it can be used in process at the same time.
        host: the address to listen on.
        port: 0 takes a free one.
        admin_key: a random one if None.
        log: gets one line per call of a function.
        site_port: where HTTP actions answer; see :func:`listen_at`.
        patience: what one connection may use, and how long it may take.

    Raises:
        OSError: when the address cannot be had.
        ValueError: for an admin key that cannot be one.
    """
    key = admin_key or new_admin_key()
    ready = threading.Event()
    Authenticator(key)  # refuses a bad key before a port is taken
    listeners = listen_at(host, port, site_port)
    served = listeners.served(key)
    server = make_server(
        emulator,
        admin_key=key,
        version="unknown",
        log=log,
        on_ready=ready.set,
        site_port=listeners.site_port,
        patience=patience,
    )
    warning = exposure_warning(listeners.both[0])
    if warning is not None:
        _logger.warning(warning)
    thread = threading.Thread(target=server.run, kwargs={"sockets": listeners.both}, name="convex-emulator-server")
    thread.start()
    try:
        if not ready.wait(_STOP_SECONDS_MAX):
            raise RuntimeError(f"the server did not accept connections within {_STOP_SECONDS_MAX} seconds")
        with emulator.origins.served_at(served.url, served.site_url), running_what_is_due(emulator):
            yield served
    finally:
        server.stop()
        thread.join(_STOP_SECONDS_MAX)
        listeners.close()

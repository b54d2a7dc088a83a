"""A server in the foreground of its process, until it is told to stop: what ``convex-mastra-emulator serve`` runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TextIO

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.server.app import Log
from convex_mastra_emulator.server.due import running_what_is_due
from convex_mastra_emulator.server.exposure import exposure_warning
from convex_mastra_emulator.server.thread import ServedEmulator, Server, listen_at, make_server, new_admin_key


def serve_in_foreground(
    emulator: Emulator,
    *,
    host: str,
    port: int,
    admin_key: str | None,
    version: str,
    log: Log,
    on_ready: Callable[[ServedEmulator], None],
    ends_with: TextIO | None = None,
    site_port: int | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM comes; a second ends open connections, a third the process.

    At the end the emulator is closed.

    Args:
        emulator: what is served.
        host: the address to listen on.
        port: 0 takes a free one.
        admin_key: a random one if None.
        version: what ``/version`` answers.
        log: gets one line per call of a function.
        on_ready: called once connections are accepted.
        ends_with: a stream whose end is also a reason to stop; None for no such stream.
        site_port: where HTTP actions answer; 0 takes a free port, None the one behind ``port`` if that is free.

    Raises:
        OSError: when the address cannot be had.
        ValueError: for an admin key that cannot be one.
    """
    key = admin_key or new_admin_key()
    Authenticator(key)  # refuses a bad key before a port is taken
    listeners = listen_at(host, port, site_port)
    served = listeners.served(key)
    server = make_server(
        emulator,
        admin_key=key,
        version=version,
        log=log,
        on_ready=lambda: on_ready(served),
        site_port=listeners.site_port,
    )

    def stop(number: int, _frame: FrameType | None) -> None:
        server.stop()
        if server.force_exit:
            # Functions that run in threads are waited for even now; a third signal ends the process itself.
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if ends_with is not None:
        threading.Thread(
            target=_stop_at_end, args=(ends_with, server), name="convex-emulator-parent", daemon=True
        ).start()
    warning = exposure_warning(listeners.both[0])
    if warning is not None:
        log(warning)
    try:
        with emulator.origins.served_at(served.url, served.site_url), running_what_is_due(emulator):
            server.run(sockets=listeners.both)
    finally:
        listeners.close()
        # While the marks of the control plane are still held: whoever stops a server does not roll back.
        emulator.close()


def _stop_at_end(stream: TextIO, server: Server) -> None:
    for _ in stream:
        pass
    server.stop()

"""A server in the foreground of its process: when it says that it is ready, and what ends it.

It takes the signals of its process, so each server here has a process of its own; `tests/test_cli.py` shows the rest.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

WAIT_SECONDS_MAX = 20
SERVE = """
import sys
import time
from convex_mastra_emulator import Emulator, action
from convex_mastra_emulator.server.foreground import serve_in_foreground

def wait(ctx, args):
    print("running", flush=True)
    time.sleep(60)

emulator = Emulator()
emulator.define("slow:wait", action(wait))

def on_ready(served):
    print(served.url, served.admin_key, flush=True)

serve_in_foreground(
    emulator, host="127.0.0.1", port=int(sys.argv[1]), admin_key=sys.argv[2] or None, version="test", log=print,
    on_ready=on_ready, ends_with=sys.stdin if sys.argv[3] == "stdin" else None,
)
print("ended", flush=True)
"""
SLOW_BODY = b'{"path":"slow:wait","args":{}}'
SLOW_REQUEST = (
    b"POST /api/action HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(SLOW_BODY), SLOW_BODY)
)


class Foreground:
    """A process that serves in its foreground."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.url, _, self.admin_key = self.next_line().partition(" ")

    def next_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def connect(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), WAIT_SECONDS_MAX)

    def rest(self) -> str:
        """What it prints until it ends, and its code."""
        assert self.process.stdout is not None
        printed = self.process.stdout.read()
        return f"{printed.strip()} {self.process.wait(WAIT_SECONDS_MAX)}"


@contextmanager
def foreground(*, port: int = 0, admin_key: str = "", ends_with: str = "") -> Iterator[Foreground]:
    command = [sys.executable, "-c", SERVE, str(port), admin_key, ends_with]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Foreground(process)
        finally:
            if process.poll() is None:
                process.kill()


def test_ready_is_said_when_connections_are_accepted() -> None:
    with foreground(admin_key="box|key") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        assert server.admin_key == "box|key"

        server.connect().close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signal_ends_it(number: signal.Signals) -> None:
    with foreground() as server:
        os.kill(server.process.pid, number)

        assert server.rest() == "ended 0"


def test_end_of_the_stream_ends_it() -> None:
    with foreground(ends_with="stdin") as server:
        assert server.process.stdin is not None
        server.process.stdin.close()

        assert server.rest() == "ended 0"


def test_stream_does_not_matter_unless_it_is_named() -> None:
    with foreground() as server:
        assert server.process.stdin is not None
        server.process.stdin.close()

        server.connect().close()


def test_port_that_is_taken_is_an_error() -> None:
    with foreground() as first:
        port = int(first.url.rpartition(":")[2])
        with foreground(port=port) as second:
            assert second.url == ""
            assert second.process.wait(WAIT_SECONDS_MAX) == 1
            assert second.process.stderr is not None
            assert "PortTaken" in second.process.stderr.read()


# Somebody who presses Ctrl-C again and again wants the process to end, whatever its functions do.
def test_repeated_signals_end_it_while_a_function_runs() -> None:
    with foreground() as server, server.connect() as connection:
        connection.sendall(SLOW_REQUEST)
        assert server.next_line() == "running"
        ends = time.monotonic() + WAIT_SECONDS_MAX

        while server.process.poll() is None and time.monotonic() < ends:
            os.kill(server.process.pid, signal.SIGINT)
            time.sleep(0.1)

        assert server.process.returncode == -signal.SIGINT

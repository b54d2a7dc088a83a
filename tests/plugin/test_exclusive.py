"""One test at a time on one machine: waiting, saying so, giving up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from pytest_mastra_convex.exclusive import WaitedTooLong, exclusive, lock_file

# Of this process, so that other runs of these tests do not wait here.
URL = f"http://127.0.0.1:3210/{os.getpid()}"
_HOLDS = f"""
from pytest_mastra_convex.exclusive import exclusive
with exclusive({URL!r}, print):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it is told to go."""
    command = [sys.executable, "-c", _HOLDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_one_that_waits_goes_on_when_the_other_is_done(holder: subprocess.Popen[str]) -> None:
    said: list[str] = []
    assert holder.stdin is not None
    threading.Timer(0.3, holder.stdin.close).start()

    with exclusive(URL, said.append, quiet_seconds=0.05, wait_seconds_max=20):
        pass

    assert said == [f"waiting for process {holder.pid}, whose tests use the conformance tables of {URL} …"]


def test_waiting_ends_with_an_error_that_says_for_whom(holder: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(WaitedTooLong, match=rf"waited 0.1 seconds for process {holder.pid}"),
        exclusive(URL, print, wait_seconds_max=0.1),
    ):
        pass


# A worker that was killed must not keep all others waiting.
def test_a_process_that_dies_gives_the_lock_back(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    said: list[str] = []

    with exclusive(URL, said.append, quiet_seconds=5, wait_seconds_max=10):
        pass

    assert said == []


def test_a_failing_block_gives_the_lock_back() -> None:
    with pytest.raises(ZeroDivisionError), exclusive(URL, print):
        raise ZeroDivisionError

    with exclusive(URL, print, wait_seconds_max=0):
        assert lock_file(URL).exists()


def test_other_deployments_are_not_waited_for(holder: subprocess.Popen[str]) -> None:
    with exclusive(f"{URL}/another", print, wait_seconds_max=0):
        assert holder.poll() is None


# A slash at the end names the same deployment.
def test_a_deployment_has_one_lock() -> None:
    assert lock_file(f"{URL}/") == lock_file(URL)

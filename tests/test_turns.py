"""Threads that take turns: one that cannot go on is told of, and nobody is left behind."""

import threading

import pytest

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.turns import Turns


def test_one_thread_runs_at_a_time() -> None:
    turns, seen = Turns(), []

    def body(name: str) -> None:
        seen.append(f"{name}1")
        turns.wait()
        seen.append(f"{name}2")

    turns.add(lambda: body("a"))
    turns.add(lambda: body("b"))
    turns.start()
    assert seen == ["a1", "b1"]

    turns.resume(1)
    turns.resume(0)

    assert seen == ["a1", "b1", "b2", "a2"]
    assert turns.waiting() == []


# A client that waits for the other one would hang a test for ever.
def test_a_step_that_does_not_end_is_an_error() -> None:
    turns, gate = Turns(step_seconds_max=0.01), threading.Event()
    turns.add(gate.wait)

    with pytest.raises(
        EmulatorError, match=r"client 1 took more than 0\.01 seconds .* does it wait for another client"
    ):
        turns.start()

    gate.set()
    turns.abandon()


def test_abandoned_threads_end() -> None:
    turns, ends = Turns(), []

    def body() -> None:
        try:
            turns.wait()
        finally:
            ends.append("ended")

    turns.add(body)
    turns.start()

    turns.abandon()

    assert ends == ["ended"]
    assert not turns.clients[0].thread.is_alive()


# The scheduler's or a server's thread is no client: it must not be stopped.
def test_other_threads_do_not_wait() -> None:
    Turns().wait()

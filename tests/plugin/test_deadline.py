"""A deadline around a call that blocks: what it says, and that it leaves no trace."""

import re
import signal
import threading
import time

import pytest

from pytest_mastra_convex.deadline import DeadlineExceeded, deadline

URL = "http://127.0.0.1:3210"


def test_call_in_time_passes() -> None:
    with deadline(5, "query live:list", url=URL):
        pass

    assert signal.getitimer(signal.ITIMER_REAL)[1] == 0


def test_message_says_what_where_and_what_was_seen_last() -> None:
    text = f"query live:list at {URL} gave no answer within 0.05 seconds; the server saw last: live:send  mutation"

    with (
        pytest.raises(DeadlineExceeded, match=re.escape(text)),
        deadline(0.05, "query live:list", url=URL, last_seen=lambda: "live:send  mutation"),
    ):
        time.sleep(5)


def test_message_without_a_server_to_ask() -> None:
    with (
        pytest.raises(DeadlineExceeded, match=r"^query live:list at .* gave no answer within 0\.05 seconds$"),
        deadline(0.05, "query live:list", url=URL),
    ):
        time.sleep(5)


# What the server saw last is asked for when the time is over, not when the call begins.
def test_last_seen_is_that_of_the_end() -> None:
    seen = ["before"]

    def wait() -> None:
        with deadline(0.05, "query live:list", url=URL, last_seen=lambda: seen[-1]):
            seen.append("after")
            time.sleep(5)

    with pytest.raises(DeadlineExceeded, match="saw last: after"):
        wait()


def test_other_errors_pass_through() -> None:
    with pytest.raises(KeyError, match="own"), deadline(5, "query live:list", url=URL):
        raise KeyError("own")


def test_no_alarm_is_left_behind() -> None:
    handler = signal.getsignal(signal.SIGALRM)

    with deadline(0.05, "query live:list", url=URL):
        pass
    time.sleep(0.1)

    assert signal.getsignal(signal.SIGALRM) is handler


def test_other_threads_are_refused() -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            with deadline(1, "query live:list", url=URL):
                pass
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)

    assert [str(error) for error in errors] == ["deadline() works in the main thread only"]


# pytest-timeout rings with the same alarm: without it a test that hangs after a deadline would hang for ever.
def test_outer_alarm_goes_on() -> None:
    rung: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with deadline(5, "query live:list", url=URL):
            pass
        time.sleep(0.4)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)

    assert rung == [signal.SIGALRM]


def test_inner_deadline_leaves_the_outer_one_running() -> None:
    def call() -> None:
        with deadline(0.2, "outer", url=URL):
            with deadline(5, "inner", url=URL):
                pass
            time.sleep(2)

    with pytest.raises(DeadlineExceeded, match=r"^outer at "):
        call()

"""A served emulator runs what falls due, in real time."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from convex import ConvexClient

from convex_mastra_emulator import Emulator, ManualClock, action, connect, mutation
from convex_mastra_emulator.errors import DataNotWritten, DeploymentError, ErrorKind
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.server import serve
from convex_mastra_emulator.server.due import DueRunner, running_what_is_due
from convex_mastra_emulator.server.process import ServedProcess
from pytest_mastra_convex.deadline import deadline

WAIT_SECONDS_MAX = 20
PARALLELISM = 8
FUNCTIONS = "tests.server.scheduled_functions:FUNCTIONS"


def schedule(emulator: Emulator, path: str, delay_ms: float = 0, args: Any = None) -> str:
    return str(emulator.run(lambda ctx: ctx.scheduler.run_after(delay_ms, path, args)))


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread does and tells nobody."""
    ends = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("convex-emulator-due")]


def test_a_function_runs_at_its_time() -> None:
    emulator, ran = Emulator(seed=1), threading.Event()
    times: list[float] = []

    def note(ctx: Any, args: Any) -> None:
        times.append(ctx.now())
        ran.set()

    emulator.define("t:note", mutation(note))
    with serve(emulator):
        schedule(emulator, "t:note", 50)
        assert ran.wait(WAIT_SECONDS_MAX)

    [job] = emulator.scheduler.all()
    assert job.state == "success"
    assert times[0] >= job.scheduled_ms - 1


def test_what_waited_before_it_was_served_runs() -> None:
    emulator, ran = Emulator(seed=1), threading.Event()
    emulator.define("t:note", mutation(lambda ctx, args: ran.set()))
    schedule(emulator, "t:note")

    with running_what_is_due(emulator):
        assert ran.wait(WAIT_SECONDS_MAX)


# A thread that sleeps until the first must hear of one that comes before it.
def test_a_later_one_that_is_due_earlier_is_not_missed() -> None:
    emulator, ran = Emulator(seed=1), threading.Event()
    emulator.define("t:note", mutation(lambda ctx, args: ran.set()))
    emulator.define("t:never", mutation(lambda ctx, args: None))
    with running_what_is_due(emulator):
        schedule(emulator, "t:never", 3_600_000)
        schedule(emulator, "t:note", 20)

        assert ran.wait(WAIT_SECONDS_MAX)
    assert len(emulator.scheduler.pending()) == 1


def test_eight_run_at_once_and_the_ninth_waits() -> None:
    emulator = Emulator(seed=1)
    all_are_here, goes_on = threading.Barrier(PARALLELISM + 1), threading.Event()
    running: list[int] = []

    def hold(ctx: Any, args: Any) -> None:
        running.append(1)
        if not goes_on.is_set():
            all_are_here.wait(WAIT_SECONDS_MAX)
            goes_on.wait(WAIT_SECONDS_MAX)

    emulator.define("t:hold", action(hold))
    with running_what_is_due(emulator):
        for _ in range(PARALLELISM + 1):
            schedule(emulator, "t:hold")
        all_are_here.wait(WAIT_SECONDS_MAX)

        assert len(running) == PARALLELISM
        assert [job.state for job in emulator.scheduler.all()].count("inProgress") == PARALLELISM
        goes_on.set()
        wait_until(lambda: all(job.state == "success" for job in emulator.scheduler.all()))
    assert len(running) == PARALLELISM + 1


def test_the_end_waits_for_what_runs_and_starts_no_more() -> None:
    emulator, begun, goes_on = Emulator(seed=1), threading.Event(), threading.Event()

    def hold(ctx: Any, args: Any) -> None:
        begun.set()
        goes_on.wait(WAIT_SECONDS_MAX)
        ctx.scheduler.run_after(0, "t:next")

    emulator.define("t:hold", action(hold))
    emulator.define("t:next", mutation(lambda ctx, args: None))
    runner = DueRunner(emulator)
    runner.start()
    schedule(emulator, "t:hold")
    assert begun.wait(WAIT_SECONDS_MAX)

    ending = threading.Thread(target=runner.stop)
    ending.start()
    wait_until(lambda: runner._stopped.is_set())
    goes_on.set()
    ending.join(WAIT_SECONDS_MAX)

    assert not ending.is_alive()
    assert [job.state for job in emulator.scheduler.all()] == ["success", "pending"]
    assert threads() == []
    assert emulator.scheduler.listeners == []


def test_no_thread_is_left_of_a_served_emulator(emulator: Emulator) -> None:
    with serve(emulator):
        assert threads() != []

    assert threads() == []


def test_a_manual_clock_still_moves_only_by_hand(emulator: Emulator, clock: ManualClock) -> None:
    emulator.define("t:note", mutation(lambda ctx, args: None))
    with running_what_is_due(emulator):
        schedule(emulator, "t:note", 3_600_000)
        schedule(emulator, "t:note", 0)
        wait_until(lambda: len(emulator.scheduler.pending()) == 1)

        clock.advance(3600)

        wait_until(lambda: emulator.scheduler.pending() == [])
    assert [job.state for job in emulator.scheduler.all()] == ["success", "success"]


def test_crons_run() -> None:
    emulator, ran = Emulator(seed=1), threading.Event()
    emulator.define("t:note", mutation(lambda ctx, args: ran.set()))
    crons = Crons()
    crons.interval("often", "t:note", seconds=3600)
    with running_what_is_due(emulator):
        emulator.define_crons(crons)

        assert ran.wait(WAIT_SECONDS_MAX)
    wait_until(lambda: len(emulator.scheduler.crons.by_id["often"].runs) == 1)


# The deployment itself fails, for instance at a page of too many rows: the job is tried again, the others run.
def test_one_that_cannot_run_does_not_keep_others_from_running(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    emulator, ran = Emulator(seed=1), threading.Event()
    emulator.define("t:note", mutation(lambda ctx, args: ran.set()))
    emulator.define("t:broken", mutation(lambda ctx, args: None))
    original = emulator._executor.run_transaction
    failures: list[int] = []

    def failing(call: Any, *rest: Any, **options: Any) -> Any:
        if call.path.function == "broken" and len(failures) < 2:
            failures.append(1)
            raise DeploymentError("down", code="Down", kind=ErrorKind.INTERNAL)
        return original(call, *rest, **options)

    monkeypatch.setattr(emulator._executor, "run_transaction", failing)
    with caplog.at_level(logging.ERROR), running_what_is_due(emulator):
        schedule(emulator, "t:broken")
        schedule(emulator, "t:note")

        assert ran.wait(WAIT_SECONDS_MAX)
        wait_until(lambda: emulator.scheduler.pending() == [])

    assert [job.state for job in emulator.scheduler.all()] == ["success", "success"]
    assert caplog.messages == ["a scheduled function could not be run"] * 2


# Old jobs are put away when something is looked for; a full disk must not end the thread that looks.
def test_a_disk_that_fails_while_looking_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    emulator, ran = Emulator(seed=1), threading.Event()
    emulator.define("t:note", mutation(lambda ctx, args: ran.set()))
    original = emulator.scheduler.take_next
    failures: list[int] = []

    def failing() -> Any:
        if len(failures) < 2:
            failures.append(1)
            raise DataNotWritten("full")
        return original()

    monkeypatch.setattr(emulator.scheduler, "take_next", failing)
    with caplog.at_level(logging.ERROR), running_what_is_due(emulator):
        schedule(emulator, "t:note")

        assert ran.wait(WAIT_SECONDS_MAX)

    assert caplog.messages == ["what is due cannot be looked for"] * 2


@pytest.mark.xdist_group("served process")
def test_clients_schedule_and_see_the_result() -> None:
    with ServedProcess(functions=FUNCTIONS) as served:
        with deadline(WAIT_SECONDS_MAX, "a subscription", url=served.url, last_seen=lambda: served.last_seen):
            client = ConvexClient(served.url)
            subscription = client.subscribe("later:list")
            client.mutation("later:send", {"text": "one", "delay": 30.0})
            client.action("later:sendFromAction", {"text": "two", "delay": 90.0})

            # The client repeats what it has at the end of every mutation.
            seen: list[Any] = [next(subscription)]
            while seen[-1] != ["one", "two"]:
                seen.append(next(subscription))
        with connect(served.url, served.admin_key) as deployment:
            assert deployment.query("later:list") == ["one", "two"]

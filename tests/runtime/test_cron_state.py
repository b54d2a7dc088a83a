"""Crons through snapshots, clones, rollbacks and files of data: they keep their times, and no run is begun twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Crons, Emulator, ManualClock, action, internal_mutation
from convex_mastra_emulator.errors import DataNotWritten, InvalidValue
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.cron_state import read_crons, write_crons
from convex_mastra_emulator.runtime.crons import CronJob, CronRun
from tests.runtime.test_saved_state import full_disk

HOUR_MS = 3_600_000.0
START_MS = 1_700_000_000_000.0
INTERRUPTED = "Transient error while executing action"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


def define(emulator: Emulator) -> None:
    def add(ctx: Any, args: Any) -> None:
        ctx.db.insert("runs", {"at": ctx.now()})

    def fail(ctx: Any, args: Any) -> None:
        ctx.db.insert("runs", {})
        raise ValueError("boom")

    emulator.define("c:add", internal_mutation(add))
    emulator.define("c:fail", internal_mutation(fail))


def hourly(path: str = "c:add", hours: int = 1) -> Crons:
    crons = Crons()
    crons.interval("c", path, {"n": 1}, hours=hours)
    return crons


@contextmanager
def opened(path: Path, clock: ManualClock) -> Iterator[Emulator]:
    with Emulator(path=path, clock=clock) as emulator:
        define(emulator)
        yield emulator


def due_in_ms(emulator: Emulator) -> float | None:
    due_ms = emulator.scheduler.next_due_ms()
    return None if due_ms is None else due_ms - START_MS


def errors(emulator: Emulator) -> list[str | None]:
    return [run.error for run in emulator.scheduler.crons.by_id["c"].runs]


def runs(emulator: Emulator) -> int:
    return emulator.table_counts().get("runs", 0)


# JSON


def test_json_loses_nothing() -> None:
    crons = hourly()
    crons.cron("d", "15 4 * * 1-5", "dir/mod.js:named", {"bytes": b"\x00", "negative": -0.0})
    jobs = {id: CronJob(cron, 5.5, [CronRun(1.25, None), CronRun(2.0, "é\n")]) for id, cron in crons.by_id.items()}

    read = read_crons(write_crons(jobs.values(), DEFAULT_LIMITS))

    assert repr(read) == repr(jobs).replace("{'n': 1}", "{'n': 1.0}")


def test_arguments_no_deployment_takes_are_refused(path: Path, clock: ManualClock) -> None:
    crons = Crons()
    crons.interval("c", "c:add", {"n": object()}, hours=1)
    with opened(path, clock) as emulator, pytest.raises(InvalidValue, match="not a supported Convex type"):
        emulator.define_crons(crons)

    assert due_in_ms(emulator) is None


# Snapshots, clones, rollbacks


def test_a_restored_snapshot_brings_crons_back(emulator: Emulator, clock: ManualClock) -> None:
    define(emulator)
    emulator.define_crons(hourly())
    emulator.scheduler.run_due()
    snapshot = emulator.snapshot()
    clock.advance(3600)
    emulator.define_crons(Crons())

    emulator.restore(snapshot)

    assert due_in_ms(emulator) == HOUR_MS
    assert errors(emulator) == [None]


# What runs after a snapshot must not change what it holds.
def test_a_snapshot_keeps_the_times_it_was_taken_with(emulator: Emulator, clock: ManualClock) -> None:
    define(emulator)
    emulator.define_crons(hourly())
    snapshot = emulator.snapshot()
    clock.advance(3600)

    for _ in range(2):
        emulator.restore(snapshot)
        assert due_in_ms(emulator) == 0
        emulator.scheduler.run_due()


def test_a_clone_has_crons_of_its_own(emulator: Emulator, clock: ManualClock) -> None:
    define(emulator)
    emulator.define_crons(hourly())
    emulator.scheduler.run_due()
    clone = emulator.clone()

    clock.advance(3600)

    assert (due_in_ms(emulator), due_in_ms(clone)) == (2 * HOUR_MS, HOUR_MS)
    assert (len(errors(emulator)), len(errors(clone))) == (2, 1)


def test_crons_that_are_off_stay_off_in_a_clone(emulator: Emulator) -> None:
    define(emulator)
    emulator.define_crons(hourly())
    emulator.scheduler.crons.are_on = False

    assert emulator.clone().scheduler.next_due_ms() is None


# The documents of a run are undone, and so is the run.
def test_rollback_undoes_runs(emulator: Emulator, clock: ManualClock) -> None:
    define(emulator)
    emulator.define_crons(hourly())
    with emulator.rollback():
        clock.advance(3600)
        assert runs(emulator) == 2

    assert (due_in_ms(emulator), errors(emulator), runs(emulator)) == (0, [], 0)


# Files


def test_crons_go_on_after_a_reopening(path: Path, clock: ManualClock) -> None:
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly())
        clock.advance(1800)

    with opened(path, clock) as again:
        assert (due_in_ms(again), errors(again)) == (HOUR_MS, [None])
        clock.advance(1800)
        assert (due_in_ms(again), runs(again)) == (2 * HOUR_MS, 2)


def test_crons_that_stay_as_they_were_keep_their_time(path: Path, clock: ManualClock) -> None:
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly())
        clock.advance(1800)

    with opened(path, clock) as again:
        again.define_crons(hourly())
        assert (due_in_ms(again), errors(again)) == (HOUR_MS, [None])
        again.define_crons(hourly(hours=2))
        assert due_in_ms(again) == HOUR_MS / 2


def test_crons_that_were_removed_stay_away(path: Path, clock: ManualClock) -> None:
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly())
        emulator.define_crons(Crons())

    with opened(path, clock) as again:
        assert due_in_ms(again) is None


# Functions come anew with each process: a cron must not fail because its function is not there yet.
def test_a_cron_waits_for_its_function(path: Path, clock: ManualClock) -> None:
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly())

    with Emulator(path=path, clock=clock) as again:
        clock.advance(1800)
        assert (again.scheduler.next_due_ms(), errors(again)) == (None, [])
        define(again)
        clock.advance(0)
        assert errors(again) == [None]


@pytest.mark.parametrize(("function", "error"), [("c:add", None), ("c:fail", "Uncaught ValueError: boom")])
def test_how_a_run_ended_is_in_the_file(path: Path, clock: ManualClock, function: str, error: str | None) -> None:
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly(function))
        emulator.scheduler.run_due()

    with opened(path, clock) as again:
        assert (due_in_ms(again), errors(again)) == (HOUR_MS, [error])


def written(emulator: Emulator) -> dict[str, CronJob]:
    """The crons as a process would find them in the file that comes after a crash now."""
    file = emulator._executor.file
    assert file is not None
    (text,) = file._connection.execute("SELECT value FROM settings WHERE name = 'crons'").fetchone()
    return read_crons(text)


# A mutation runs exactly once: its writes and its cron's next time are one commit.
def test_a_mutation_and_its_next_time_are_one_commit(path: Path, clock: ManualClock) -> None:
    seen: list[float] = []
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly())
        emulator._executor.commit_listeners.append(lambda _, changes: seen.append(written(emulator)["c"].next_ms))
        emulator.scheduler.run_due()

    assert seen == [START_MS + HOUR_MS]


# An action runs once at most: whoever finds it after a crash finds a run that failed.
def test_an_action_is_noted_before_it_runs(path: Path, clock: ManualClock) -> None:
    seen: list[CronJob] = []
    with opened(path, clock) as emulator:
        emulator.define("c:act", action(lambda ctx, args: seen.append(written(emulator)["c"])))
        emulator.define_crons(hourly("c:act"))
        emulator.scheduler.run_due()

        assert written(emulator)["c"].runs == [CronRun(START_MS, None)]

    assert (seen[0].next_ms, seen[0].runs) == (START_MS + HOUR_MS, [CronRun(START_MS, INTERRUPTED)])


def test_crons_that_cannot_be_written_stay_as_they_were(path: Path, clock: ManualClock) -> None:
    with opened(path, clock) as emulator:
        emulator.define_crons(hourly())
        with full_disk(emulator), pytest.raises(DataNotWritten):
            emulator.define_crons(Crons())

        assert list(emulator.scheduler.crons.by_id) == ["c"]


def test_an_action_that_cannot_be_noted_is_not_run(path: Path, clock: ManualClock) -> None:
    ran: list[int] = []
    with opened(path, clock) as emulator:
        emulator.define("c:act", action(lambda ctx, args: ran.append(1)))
        emulator.define_crons(hourly("c:act"))
        with full_disk(emulator), pytest.raises(DataNotWritten):
            emulator.scheduler.run_due()

    assert ran == []

"""Emulators on the machine's clock follow time-machine and freezegun: functions, timestamps, schedules, tokens.

What a deployment does when its machine's clock is set back: functions see the clock, timestamps and creation times go
on behind the last one (crates/database/src/committer.rs ``next_commit_ts``, database.rs ``begin_with_repeatable_ts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import freezegun
import pytest
import time_machine

from convex_mastra_emulator import Emulator, mutation, query
from convex_mastra_emulator.errors import RequestRefused

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
NOON_MS = NOON.timestamp() * 1000
MoveTo = Callable[[datetime], None]


@contextmanager
def by_time_machine(moment: datetime) -> Iterator[MoveTo]:
    with time_machine.travel(moment, tick=False) as traveller:
        yield lambda to: traveller.move_to(to)


@contextmanager
def by_freezegun(moment: datetime) -> Iterator[MoveTo]:
    with freezegun.freeze_time(moment) as frozen:
        yield lambda to: frozen.move_to(to)


@pytest.fixture(params=[by_time_machine, by_freezegun], ids=["time-machine", "freezegun"])
def frozen(request: pytest.FixtureRequest) -> Callable[[datetime], AbstractContextManager[MoveTo]]:
    library: Callable[[datetime], AbstractContextManager[MoveTo]] = request.param
    return library


Frozen = Callable[[datetime], AbstractContextManager[MoveTo]]
FUNCTIONS = {
    "test:now": query(lambda ctx, args: ctx.now()),
    "test:add": mutation(lambda ctx, args: ctx.db.insert("notes", {"at": ctx.now()})),
    "test:all": query(lambda ctx, args: ctx.db.query("notes").collect()),
    "test:later": mutation(lambda ctx, args: ctx.scheduler.run_after(args["ms"], "test:add")),
    "test:who": query(lambda ctx, args: (ctx.auth.get_user_identity() or {}).get("subject")),
}


def new_emulator() -> Emulator:
    emulator = Emulator(seed=1)
    for path, function in FUNCTIONS.items():
        emulator.define(path, function)
    return emulator


def added(emulator: Emulator) -> dict[str, Any]:
    """A new document."""
    emulator.mutation("test:add")
    document: dict[str, Any] = emulator.query("test:all")[-1]
    return document


def test_frozen_clock_stands_still(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON):
        times = [emulator.query("test:now") for _ in range(3)]

    assert times == [NOON_MS] * 3


def test_documents_of_a_frozen_clock_are_in_order(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON):
        created = [added(emulator)["_creationTime"] for _ in range(3)]

    assert created == sorted(set(created))
    assert all(NOON_MS <= time < NOON_MS + 1 for time in created)


def test_clock_that_is_moved_on_is_followed(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        added(emulator)
        move_to(NOON + timedelta(days=400))
        later = added(emulator)

    assert later["at"] == later["_creationTime"] == NOON_MS + 400 * 86_400_000


def test_clock_that_is_set_back_is_seen_by_functions_and_not_by_timestamps(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        first = added(emulator)
        timestamp = emulator.timestamp_ns()
        move_to(NOON - timedelta(hours=1))
        second = added(emulator)

        assert emulator.timestamp_ns() > timestamp

    assert (first["at"], second["at"]) == (NOON_MS, NOON_MS - 3_600_000)
    assert first["_creationTime"] < second["_creationTime"] < NOON_MS + 1


# The whole history in order of creation, whatever the machine's clock did meanwhile.
def test_order_of_creation_survives_a_journey(frozen: Frozen) -> None:
    emulator = new_emulator()
    hours = [0, 5, -3, 2, -10, 6]

    with frozen(NOON) as move_to:
        for hour in hours:
            move_to(NOON + timedelta(hours=hour))
            emulator.mutation("test:add")
        rows = emulator.query("test:all")

    assert [row["at"] for row in rows] == [NOON_MS + hour * 3_600_000 for hour in hours]
    assert [row["_creationTime"] for row in rows] == sorted({row["_creationTime"] for row in rows})


def test_scheduled_function_falls_due_with_the_clock(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        emulator.mutation("test:later", {"ms": 1000.0})
        move_to(NOON + timedelta(milliseconds=999))
        too_early = emulator.scheduler.run_due()
        move_to(NOON + timedelta(seconds=1))
        in_time = emulator.scheduler.run_due()
        [row] = emulator.query("test:all")

    assert (too_early, in_time) == (0, 1)
    assert row["at"] == NOON_MS + 1000


# `next_ts` is the clock's time, so that one second later means one second of the clock that is.
def test_function_scheduled_after_the_clock_was_set_back_is_due_by_it(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        emulator.mutation("test:add")
        move_to(NOON - timedelta(days=1))
        emulator.mutation("test:later", {"ms": 0.0})
        runs = emulator.scheduler.run_due()

    assert runs == 1


def test_scheduled_function_waits_while_the_clock_is_set_back(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        emulator.mutation("test:later", {"ms": 0.0})
        move_to(NOON - timedelta(seconds=1))

        assert emulator.scheduler.run_due() == 0


def test_token_expires_with_the_clock(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        token = emulator.issue_token(subject="ada", valid_seconds=60)
        move_to(NOON + timedelta(seconds=59))
        who = emulator.query("test:who", identity=emulator.verify_token(token))
        move_to(NOON + timedelta(seconds=60))
        with pytest.raises(RequestRefused, match="the token hasn't expired"):
            emulator.verify_token(token)

    assert who == "ada"


# The emulator was there before the test froze the time, as one of a session's fixture is.
def test_emulator_made_before_and_used_after(frozen: Frozen) -> None:
    emulator = new_emulator()
    before = added(emulator)

    with frozen(NOON):
        inside = added(emulator)
    after = added(emulator)

    assert before["at"] < inside["at"] > after["at"]
    assert before["_creationTime"] < inside["_creationTime"] < after["_creationTime"]


def test_time_that_goes_on_by_itself_is_followed() -> None:
    emulator = new_emulator()

    with time_machine.travel(NOON, tick=True):
        times = [emulator.query("test:now") for _ in range(5)]
    with freezegun.freeze_time(NOON, auto_tick_seconds=60):
        ticked = [emulator.query("test:now") for _ in range(5)]

    assert times == sorted(times)
    assert all(NOON_MS <= time < NOON_MS + 60_000 for time in times)
    assert all(later - earlier >= 60_000 for earlier, later in pairwise(ticked))


def test_duration_of_a_call_is_never_negative(frozen: Frozen) -> None:
    emulator = new_emulator()

    with frozen(NOON) as move_to:
        emulator.define("test:back", query(lambda ctx, args: move_to(NOON - timedelta(days=1))))
        emulator.query("test:back")

    assert [entry.duration_ns >= 0 for entry in emulator.journal] == [True]

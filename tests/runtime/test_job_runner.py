"""Running scheduled functions: mutations exactly once, actions at most once, what is noted of it.

convex-backend crates/application/src/scheduled_jobs/mod.rs (convex-engine.md §10.11).
"""

import re
from typing import Any

import pytest

from convex_mastra_emulator import (
    Emulator,
    ManualClock,
    action,
    internal_action,
    internal_mutation,
    mutation,
    query,
)
from convex_mastra_emulator.database.store import Change
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.schema import v

FRAME = r"    at \w+ \(\.\./\S*test_job_runner\.py:\d+:1\)\n"


def note(ctx: Any, args: Any) -> None:
    ctx.db.insert("notes", {"n": args.get("n")})


def notes(emulator: Emulator) -> list[Any]:
    return [row["n"] for row in emulator.run(lambda ctx: ctx.db.query("notes").collect())]


def document(emulator: Emulator, job_id: Any) -> Any:
    return emulator.run(lambda ctx: ctx.db.system.get(job_id))


def schedule(emulator: Emulator, path: str, args: Any = None) -> Any:
    return emulator.run(lambda ctx: ctx.scheduler.run_after(0, path, args))


def scheduled_to_run(emulator: Emulator, function: Function) -> Any:
    """Defines a function, schedules it, runs it; gives the job's document afterwards."""
    emulator.define("t:job", function)
    job_id = schedule(emulator, "t:job")
    assert emulator.scheduler.run_due() >= 1
    return document(emulator, job_id)


def commits_of(emulator: Emulator) -> list[list[Change]]:
    """What every commit from now on changes."""
    commits: list[list[Change]] = []
    emulator._executor.commit_listeners.append(lambda _, changes: commits.append(list(changes)))
    return commits


# Mutations


def test_a_mutation_and_its_success_are_one_commit(emulator: Emulator) -> None:
    emulator.define("t:note", mutation(note))
    schedule(emulator, "t:note", {"n": 1.0})
    commits = commits_of(emulator)

    emulator.scheduler.run_due()

    [changes] = commits
    assert {change.table.name for change in changes} == {"notes", "_scheduled_functions"}


def test_a_failing_mutation_leaves_nothing_but_its_state(emulator: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        note(ctx, args)
        ctx.scheduler.run_after(0, "t:job")
        raise Exception("boom")

    emulator.define("t:job", mutation(body))
    job_id = schedule(emulator, "t:job")
    commits = commits_of(emulator)

    emulator.scheduler.run_due()

    failed = document(emulator, job_id)
    assert failed["state"]["kind"] == "failed"
    assert re.fullmatch(r"Uncaught Error: boom\n" + FRAME, failed["state"]["error"])
    assert "completedTime" in failed
    assert notes(emulator) == []
    assert len(emulator.scheduler.all()) == 1
    assert len(commits) == 1


# crates/common/src/errors.rs prints an error as lines that end, frames or not.
def test_bad_arguments_fail_when_it_runs(emulator: Emulator) -> None:
    emulator.define("t:strict", mutation(args={"n": v.string()}, handler=note))
    job_id = schedule(emulator, "t:strict", {"n": 1.0})

    emulator.scheduler.run_due()

    state = document(emulator, job_id)["state"]
    assert state["kind"] == "failed"
    assert state["error"].startswith("ArgumentValidationError: Value does not match validator.")
    assert state["error"].endswith("\n")


def test_a_failed_job_is_not_tried_again(emulator: Emulator, clock: ManualClock) -> None:
    runs = []

    def body(ctx: Any, args: Any) -> None:
        runs.append(1)
        raise Exception("boom")

    scheduled_to_run(emulator, mutation(body))
    clock.advance(3600)

    assert runs == [1]


def test_a_mutation_sees_itself_in_progress(emulator: Emulator) -> None:
    seen: list[Any] = []

    def body(ctx: Any, args: Any) -> None:
        seen.extend(row["state"] for row in ctx.db.system.query("_scheduled_functions").collect())

    assert scheduled_to_run(emulator, mutation(body))["state"] == {"kind": "success"}
    assert seen == [{"kind": "inProgress"}]


# npm convex 1.48 is older than the version from which this is an error.
def test_a_mutation_cannot_cancel_itself(emulator: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        [own] = ctx.db.system.query("_scheduled_functions").collect()
        ctx.scheduler.cancel(own["_id"])
        note(ctx, args)

    ended = scheduled_to_run(emulator, mutation(body))

    assert ended["state"] == {"kind": "success"}
    assert notes(emulator) == [None]


# What stops the machine, as Ctrl-C, is no end of the function: the job waits as before.
def test_an_interrupted_mutation_still_waits(emulator: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        note(ctx, args)
        raise KeyboardInterrupt

    emulator.define("t:job", mutation(body))
    job_id = schedule(emulator, "t:job")

    with pytest.raises(KeyboardInterrupt):
        emulator.scheduler.run_due()

    assert document(emulator, job_id)["state"] == {"kind": "pending"}
    assert notes(emulator) == []


# Actions


def test_an_action_is_noted_as_running_first(emulator: Emulator) -> None:
    seen: list[Any] = []

    def body(ctx: Any, args: Any) -> None:
        seen.extend(ctx.run_query("t:jobs"))

    emulator.define("t:jobs", query(lambda ctx, args: ctx.db.system.query("_scheduled_functions").collect()))

    assert scheduled_to_run(emulator, action(body))["state"] == {"kind": "success"}
    assert [row["state"] for row in seen] == [{"kind": "inProgress"}]
    assert "completedTime" not in seen[0]


def test_what_a_failing_action_has_done_stays(emulator: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        ctx.run_mutation("t:note", {"n": 1.0})
        raise Exception("boom")

    emulator.define("t:note", mutation(note))
    failed = scheduled_to_run(emulator, action(body))

    assert re.fullmatch(r"Uncaught Error: boom\n" + FRAME, failed["state"]["error"])
    assert notes(emulator) == [1.0]


def test_an_action_that_is_cancelled_goes_on(emulator: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        emulator.run(lambda outside: cancel_all(outside, None))
        ctx.run_mutation("t:note", {"n": 1.0})

    emulator.define("t:note", mutation(note))

    assert scheduled_to_run(emulator, action(body))["state"] == {"kind": "canceled"}
    assert notes(emulator) == [1.0]


def cancel_all(ctx: Any, args: Any) -> None:
    for row in ctx.db.system.query("_scheduled_functions").collect():
        ctx.scheduler.cancel(row["_id"])


@pytest.mark.parametrize("way", ["directly", "through a mutation", "through an action"])
def test_what_a_cancelled_action_schedules_is_cancelled_from_the_start(emulator: Emulator, way: str) -> None:
    later: list[Any] = []

    def plan(ctx: Any, args: Any) -> Any:
        later.append(ctx.scheduler.run_after(5000, "t:note"))

    def body(ctx: Any, args: Any) -> None:
        emulator.run(lambda outside: cancel_all(outside, None))
        if way == "directly":
            plan(ctx, args)
        elif way == "through a mutation":
            ctx.run_mutation("t:planMutation")
        else:
            ctx.run_action("t:planAction")

    emulator.define("t:note", mutation(note))
    emulator.define("t:planMutation", mutation(plan))
    emulator.define("t:planAction", internal_action(plan))
    ended = scheduled_to_run(emulator, action(body))

    assert ended["state"] == {"kind": "canceled"}
    born = document(emulator, later[0])
    assert born["state"] == {"kind": "canceled"}
    assert born["scheduledTime"] == born["completedTime"] == pytest.approx(born["_creationTime"], abs=0.01)
    assert emulator.scheduler.pending() == []


def test_what_a_running_action_schedules_waits(emulator: Emulator) -> None:
    emulator.define("t:note", mutation(note))

    scheduled_to_run(emulator, action(lambda ctx, args: ctx.scheduler.run_after(5000, "t:note")))

    assert [job.state for job in emulator.scheduler.all()] == ["success", "pending"]


def test_an_action_may_cancel_itself(emulator: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        [own] = ctx.run_query("t:jobs")
        ctx.scheduler.cancel(own["_id"])

    emulator.define("t:jobs", query(lambda ctx, args: ctx.db.system.query("_scheduled_functions").collect()))

    assert scheduled_to_run(emulator, action(body))["state"] == {"kind": "canceled"}


# To the deployment a mutation that the action calls is as if it were the scheduled function itself.
def test_a_mutation_within_a_scheduled_action_cannot_cancel_it(emulator: Emulator) -> None:
    emulator.define("t:cancelAll", mutation(cancel_all))

    ended = scheduled_to_run(emulator, action(lambda ctx, args: ctx.run_mutation("t:cancelAll")))

    assert ended["state"] == {"kind": "success"}


# A mutation that an action calls is no scheduled function: it must not end the action's job.
def test_a_mutation_within_a_scheduled_action_does_not_end_it(emulator: Emulator) -> None:
    seen: list[Any] = []

    def body(ctx: Any, args: Any) -> None:
        ctx.run_mutation("t:note", {"n": 1.0})
        seen.extend(ctx.run_query("t:jobs"))

    emulator.define("t:note", mutation(note))
    emulator.define("t:jobs", query(lambda ctx, args: ctx.db.system.query("_scheduled_functions").collect()))
    scheduled_to_run(emulator, action(body))

    assert [row["state"]["kind"] for row in seen] == ["inProgress"]


# What cannot run


def test_a_query_fails_with_the_deployments_text(emulator: Emulator) -> None:
    state = scheduled_to_run(emulator, query(lambda ctx, args: 1))["state"]

    assert state["kind"] == "failed"
    assert state["error"].startswith('Unsupported function type. "job" in module "')
    assert state["error"].endswith(
        'is defined as a Query. "\n' + " " * 28 + '"Only Mutation and Action can be scheduled.'
    )


@pytest.mark.parametrize(
    ("is_module_there", "text"),
    [
        (True, 'Couldn\'t find "gone" in module "m.js".'),
        (False, "Couldn't find JavaScript module 'm.js'. Did you forget to run `npx convex dev`?"),
    ],
)
def test_a_function_that_is_gone_when_it_should_run(emulator: Emulator, is_module_there: bool, text: str) -> None:
    before = emulator.snapshot()
    emulator.define("m:gone", mutation(note))
    job_id = schedule(emulator, "m:gone")
    # A snapshot without the job and the function; the job is brought back alone.
    state, functions = emulator.snapshot(), before.functions
    emulator.restore(type(state)(state.state, functions, state.timestamp_ns))
    if is_module_there:
        emulator.define("m:other", mutation(note))

    emulator.scheduler.run_due()

    assert document(emulator, job_id)["state"] == {"kind": "failed", "error": text}


# Between the moment a job is taken and its run another thread may cancel it.
@pytest.mark.parametrize("make", [mutation, action])
def test_a_job_that_is_cancelled_before_it_begins_does_not_run(emulator: Emulator, make: Any) -> None:
    runs: list[int] = []
    emulator.define("t:job", make(lambda ctx, args: runs.append(1)))
    job_id = schedule(emulator, "t:job")
    run = emulator.scheduler.take_next()
    assert run is not None

    emulator.run(lambda ctx: ctx.scheduler.cancel(job_id))
    run()

    assert runs == []
    assert document(emulator, job_id)["state"] == {"kind": "canceled"}
    assert [entry for entry in emulator.journal.lines() if entry.startswith("scheduled")] == []


# Who calls


def test_nobody_is_the_caller(emulator: Emulator) -> None:
    seen: list[Any] = []
    emulator.define("t:who", mutation(lambda ctx, args: seen.append(ctx.auth.get_user_identity())))
    emulator.define("t:plan", mutation(lambda ctx, args: ctx.scheduler.run_after(0, "t:who")))
    user = emulator.verify_token(emulator.issue_token(subject="ada"))

    emulator.mutation("t:plan", identity=user)
    emulator.scheduler.run_due()

    assert seen == [None]


@pytest.mark.parametrize("make", [internal_mutation, internal_action])
def test_internal_functions_run(emulator: Emulator, make: Any) -> None:
    assert scheduled_to_run(emulator, make(lambda ctx, args: None))["state"] == {"kind": "success"}

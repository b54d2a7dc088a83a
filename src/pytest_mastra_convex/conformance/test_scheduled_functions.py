"""Functions that run later: when they are there, what is kept of them, how they end.

An agent that answers at once and embeds, extracts or cleans up "in the background" schedules that from its mutation.
convex-engine.md §10.11.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.conformance.scheduled import Finished
from pytest_mastra_convex.probe import (
    Probe,
    call_mutation,
    cancel,
    get,
    insert,
    now,
    outer,
    ref,
    run_action,
    run_after,
    run_at,
    run_mutation,
    system_get,
    throw,
    uncaught,
)

THINGS = "conformance_things"
SOON_MS = 0
FAR_MS = 3_600_000


def keys(probe: Probe) -> list[Any]:
    """The keys of all things, in the order in which they were made."""
    return [document["key"] for document in probe.collect(THINGS)]


def scheduled(probe: Probe, *steps: Any, **options: Any) -> str:
    """The id of a program that runs soon."""
    [job] = probe.mutation(run_after(SOON_MS, *steps, **options))
    return str(job.value)


def rolled_back(*steps: Any) -> Any:
    """Steps in a call that is undone, so that nothing is left to run; its error is that of the first that fails."""
    return run_mutation(*map(uncaught, steps), throw("all were taken"))


# What happens


def test_a_scheduled_mutation_runs(probe: Probe, finished: Finished) -> None:
    job = scheduled(probe, insert(THINGS, {"key": "later"}))

    finished(job)

    assert keys(probe) == ["later"]


def test_a_scheduled_action_runs(probe: Probe, finished: Finished) -> None:
    job = scheduled(probe, run_mutation(insert(THINGS, {"key": "later"})), function="action")

    finished(job)

    assert keys(probe) == ["later"]


# The background work of a library is internal, so that no client can start it.
def test_a_scheduled_internal_function_runs(probe: Probe, finished: Finished) -> None:
    job = scheduled(probe, insert(THINGS, {"key": "later"}), function="internalMutation")

    finished(job)

    assert keys(probe) == ["later"]


def test_an_action_can_schedule(probe: Probe, finished: Finished) -> None:
    [job] = probe.action(run_after(SOON_MS, insert(THINGS, {"key": "later"})))

    finished(job.value)

    assert keys(probe) == ["later"]


# "Embed after the message is saved" must find the message.
def test_nothing_runs_before_the_mutation_has_committed(probe: Probe, finished: Finished) -> None:
    stored, job = probe.mutation(insert(THINGS, {"key": "message"}), run_after(SOON_MS, get(outer(0))))

    ended = finished(job.value)

    assert ended["state"] == {"kind": "success"}
    assert probe.get(stored.value) is not None


def test_what_a_scheduled_function_schedules_runs(probe: Probe, finished: Finished) -> None:
    inner = insert(THINGS, {"key": "second"})
    job = scheduled(probe, insert(THINGS, {"key": "first"}), run_after(SOON_MS, inner))

    finished(job)
    finished(scheduled(probe))

    for _ in range(200):
        if len(keys(probe)) == 2:
            break
        finished(scheduled(probe))
    assert keys(probe) == ["first", "second"]


def test_a_time_that_has_passed_is_now(probe: Probe, finished: Finished) -> None:
    [current] = probe.query(now())

    [job] = probe.mutation(run_at(current.value - 60_000, insert(THINGS, {"key": "late"})))

    assert finished(job.value)["state"] == {"kind": "success"}
    assert keys(probe) == ["late"]


def test_arguments_are_those_at_the_time_of_scheduling(probe: Probe, finished: Finished) -> None:
    stored, job = probe.mutation(insert(THINGS, {"key": "before"}), run_after(SOON_MS, insert(THINGS, {"key": "copy"})))
    probe.patch(stored.value, {"key": "after"})

    finished(job.value)

    assert sorted(keys(probe)) == ["after", "copy"]


# All or nothing


# Otherwise a job works on a message that was never stored.
def test_a_failed_mutation_schedules_nothing(probe: Probe, finished: Finished) -> None:
    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(run_after(SOON_MS, insert(THINGS, {"key": "ghost"})), throw("stop"))

    finished(scheduled(probe))
    assert keys(probe) == []


def test_a_failed_call_in_a_mutation_schedules_nothing(probe: Probe, finished: Finished) -> None:
    _, job = probe.mutation(
        run_mutation(run_after(SOON_MS, insert(THINGS, {"key": "ghost"})), throw("stop")),
        run_after(SOON_MS, insert(THINGS, {"key": "real"})),
    )

    finished(job.value)

    assert keys(probe) == ["real"]


# An action is no transaction: what it has scheduled when it fails stays.
def test_a_failed_action_has_scheduled(probe: Probe, finished: Finished) -> None:
    with pytest.raises(FunctionError, match="stop"):
        probe.action(run_after(SOON_MS, insert(THINGS, {"key": "stays"})), throw("stop"))

    for _ in range(200):
        if keys(probe):
            break
        finished(scheduled(probe))
    assert keys(probe) == ["stays"]


def test_a_scheduled_mutation_that_fails_leaves_nothing_but_its_state(probe: Probe, finished: Finished) -> None:
    job = scheduled(probe, insert(THINGS, {"key": "half"}), throw("stop"))

    ended = finished(job)

    assert ended["state"]["kind"] == "failed"
    assert keys(probe) == []


# Only what it had not begun yet is missing.
def test_a_scheduled_action_that_fails_keeps_what_it_did(probe: Probe, finished: Finished) -> None:
    job = scheduled(probe, run_mutation(insert(THINGS, {"key": "done"})), throw("stop"), function="action")

    assert finished(job)["state"]["kind"] == "failed"
    assert keys(probe) == ["done"]


# What is kept


def test_the_function_that_schedules_sees_the_job(probe: Probe) -> None:
    job, seen, _ = probe.mutation(run_after(FAR_MS), system_get(ref(0)), cancel(ref(0)))

    assert seen.value["_id"] == job.value
    assert seen.value["state"] == {"kind": "pending"}
    assert "completedTime" not in seen.value


def test_a_waiting_job_has_its_time(probe: Probe) -> None:
    current, _, seen, _ = probe.mutation(now(), run_after(FAR_MS), system_get(ref(1)), cancel(ref(1)))

    # In convex-test time goes on within a function.
    assert seen.value["scheduledTime"] == pytest.approx(current.value + FAR_MS, abs=1000)


def test_a_time_is_kept_to_the_millisecond(probe: Probe) -> None:
    [current] = probe.query(now())
    moment = current.value + FAR_MS

    _, seen, _ = probe.mutation(run_at(moment), system_get(ref(0)), cancel(ref(0)))

    assert seen.value["scheduledTime"] == moment


def test_a_job_has_its_arguments_in_a_list(probe: Probe) -> None:
    _, seen, _ = probe.mutation(
        run_after(FAR_MS, path="conformance/probe:mutation", args={"program": "[]"}),
        system_get(ref(0)),
        cancel(ref(0)),
    )

    assert seen.value["args"] == [{"program": "[]"}]


# Dashboards and tests look for jobs by this name.
@pytest.mark.diverges("scheduled-function-names")
def test_the_name_of_a_job_has_its_file(probe: Probe) -> None:
    _, seen, _ = probe.mutation(run_after(FAR_MS), system_get(ref(0)), cancel(ref(0)))

    assert seen.value["name"] == "conformance/probe.js:mutation"


def test_a_job_that_succeeded_says_so(probe: Probe, finished: Finished) -> None:
    ended = finished(scheduled(probe))

    assert ended["state"] == {"kind": "success"}


@pytest.mark.diverges("scheduled-function-states")
def test_a_job_that_has_ended_has_the_time_of_its_end(probe: Probe, finished: Finished) -> None:
    ended = finished(scheduled(probe))

    assert ended["completedTime"] >= ended["_creationTime"]


@pytest.mark.diverges("scheduled-function-states")
def test_a_job_that_failed_tells_why(probe: Probe, finished: Finished) -> None:
    ended = finished(scheduled(probe, throw("no more parcels")))

    assert "no more parcels" in ended["state"]["error"]


# What is refused


@pytest.mark.parametrize(
    ("delay", "text"),
    [
        pytest.param("1", "`delayMs` must be a number", id="text"),
        pytest.param(None, "`delayMs` must be a number", id="null"),
        pytest.param(float("nan"), "`delayMs` must be a finite number", id="nan"),
        pytest.param(float("inf"), "`delayMs` must be a finite number", id="infinity"),
        pytest.param(-1.0, "`delayMs` must be non-negative", id="negative"),
    ],
)
def test_a_delay_that_is_none_is_refused(probe: Probe, delay: Any, text: str) -> None:
    [job] = probe.mutation(run_after(delay))

    assert text in str(job.error)


@pytest.mark.parametrize("moment", [pytest.param("1", id="text"), pytest.param(None, id="null")])
def test_a_time_that_is_none_is_refused(probe: Probe, moment: Any) -> None:
    [job] = probe.mutation(run_at(moment))

    assert job.error == "The invoke time must a Date or a timestamp"


# A time in seconds or microseconds instead of milliseconds: 1970, or the year 50,000.
@pytest.mark.parametrize(("factor", "word"), [(1e-3, "past"), (1e3, "future")])
@pytest.mark.diverges("scheduled-function-checks")
def test_a_time_in_another_unit_is_refused(probe: Probe, factor: float, word: str) -> None:
    [current] = probe.query(now())

    [job] = probe.mutation(run_at(current.value * factor))

    assert str(job.error).endswith(f"is more than 5 years in the {word}")


@pytest.mark.parametrize("years", [4.9, 5.0])
def test_five_years_are_near_enough(probe: Probe, years: float) -> None:
    [current] = probe.query(now())

    # As long as a deployment counts: five years of 366 days each.
    [outcome] = probe.mutation(rolled_back(run_at(current.value + years * 366 * 86_400_000)))

    assert "all were taken" in str(outcome.error)


@pytest.mark.diverges("scheduled-function-checks")
def test_a_module_that_is_not_there_is_refused(probe: Probe) -> None:
    [job] = probe.mutation(run_after(SOON_MS, path="conformance/nowhere:run"))

    assert job.error == "Attempted to schedule function at nonexistent path: conformance/nowhere.js"


@pytest.mark.diverges("scheduled-function-checks")
def test_a_function_that_is_not_there_is_refused(probe: Probe) -> None:
    [job] = probe.mutation(run_after(SOON_MS, path="conformance/probe:nothing"))

    assert job.error == (
        "Attempted to schedule function, but no exported function nothing found in the file: conformance/probe.js. "
        "Did you forget to export it?"
    )


# Its kind is looked at when it runs.
@pytest.mark.diverges("scheduled-function-checks")
def test_a_scheduled_query_fails(probe: Probe, finished: Finished) -> None:
    ended = finished(scheduled(probe, function="query"))

    assert ended["state"]["kind"] == "failed"
    assert "Unsupported function type" in ended["state"]["error"]


# So are its arguments: whoever schedules is not told.
@pytest.mark.diverges("scheduled-function-states")
def test_bad_arguments_fail_when_it_runs(probe: Probe, finished: Finished) -> None:
    job = scheduled(probe, path="conformance/probe:mutation", args={"wrong": 1.0})

    ended = finished(job)

    assert ended["state"]["kind"] == "failed"
    assert "ArgumentValidationError" in ended["state"]["error"]


# Limits


def test_a_mutation_may_schedule_a_thousand(probe: Probe) -> None:
    [outcome] = probe.mutation(rolled_back(run_after(FAR_MS, times=1000)))

    assert "all were taken" in str(outcome.error)


@pytest.mark.diverges("scheduled-function-checks")
def test_a_mutation_may_not_schedule_one_more(probe: Probe) -> None:
    [outcome] = probe.mutation(rolled_back(run_after(FAR_MS, times=1001)))

    assert "Too many functions scheduled by this mutation (limit: 1000)" in str(outcome.error)


# What an action schedules is a transaction each.
def test_an_action_may_schedule_more(probe: Probe) -> None:
    [outcome] = probe.action(run_action(run_after(SOON_MS, times=3)))

    assert outcome.error is None


@pytest.mark.diverges("scheduled-function-checks")
def test_calls_share_what_a_mutation_may_schedule(probe: Probe) -> None:
    half = call_mutation("conformance/probe:mutation", {"program": "[]"})
    [outcome] = probe.mutation(
        rolled_back(half, run_after(FAR_MS, times=600), run_mutation(uncaught(run_after(FAR_MS, times=401))))
    )

    assert "Too many functions scheduled by this mutation (limit: 1000)" in str(outcome.error)

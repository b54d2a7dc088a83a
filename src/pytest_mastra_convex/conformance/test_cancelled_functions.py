"""Taking back what was scheduled, and reading the deployment's own tables.

A user who writes again before the summary ran cancels it and schedules another.  convex-engine.md §5.4, §10.11.
"""

from __future__ import annotations

import pytest

from pytest_mastra_convex.conformance.scheduled import Finished
from pytest_mastra_convex.probe import (
    Probe,
    cancel,
    get,
    insert,
    query,
    ref,
    run_after,
    run_mutation,
    system_get,
    system_query,
    throw,
)

THINGS = "conformance_things"
JOBS = "_scheduled_functions"
FAR_MS = 3_600_000


def test_a_waiting_function_can_be_cancelled(probe: Probe) -> None:
    _, _, seen = probe.mutation(run_after(FAR_MS), cancel(ref(0)), system_get(ref(0)))

    assert seen.value["state"] == {"kind": "canceled"}


def test_it_can_be_cancelled_later(probe: Probe) -> None:
    [job] = probe.mutation(run_after(FAR_MS))

    probe.mutation(cancel(job.value))

    [seen] = probe.query(system_get(job.value))
    assert seen.value["state"] == {"kind": "canceled"}


def test_an_action_can_cancel(probe: Probe) -> None:
    [job] = probe.mutation(run_after(FAR_MS))

    probe.action(cancel(job.value))

    [seen] = probe.query(system_get(job.value))
    assert seen.value["state"] == {"kind": "canceled"}


def test_a_cancelled_function_does_not_run(probe: Probe, finished: Finished) -> None:
    _, _, other = probe.mutation(run_after(0, insert(THINGS, {"key": "ghost"})), cancel(ref(0)), run_after(0))

    finished(other.value)

    assert probe.count(THINGS) == 0


# It is undone like any other write.
def test_a_failed_mutation_has_not_cancelled(probe: Probe) -> None:
    [job] = probe.mutation(run_after(FAR_MS))

    probe.mutation(run_mutation(cancel(job.value), throw("stop")))

    [seen] = probe.query(system_get(job.value))
    assert seen.value["state"] == {"kind": "pending"}
    probe.mutation(cancel(job.value))


def test_cancelling_twice_is_once(probe: Probe) -> None:
    [job] = probe.mutation(run_after(FAR_MS))

    first, second = probe.mutation(cancel(job.value), cancel(job.value))

    assert (first.error, second.error) == (None, None)


# Otherwise a job that has done its work looks as if it had not.
@pytest.mark.diverges("cancelled-functions")
def test_a_function_that_has_run_stays_as_it_is(probe: Probe, finished: Finished) -> None:
    [job] = probe.mutation(run_after(0))
    ended = finished(job.value)

    probe.mutation(cancel(job.value))

    [seen] = probe.query(system_get(job.value))
    assert seen.value == ended


@pytest.mark.diverges("cancelled-functions")
def test_text_that_is_no_id_cannot_be_cancelled(probe: Probe) -> None:
    [outcome] = probe.mutation(cancel("garbage"))

    assert outcome.error == "Invalid argument `id` for `db.cancel_job`: Unable to decode ID: Invalid ID length 7"


@pytest.mark.diverges("cancelled-functions")
def test_a_document_cannot_be_cancelled(probe: Probe) -> None:
    _, outcome = probe.mutation(insert(THINGS, {"key": "a"}), cancel(ref(0)))

    assert outcome.error == ("Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.")


# The deployment's tables


def test_jobs_can_be_queried(probe: Probe) -> None:
    job, _, found = probe.mutation(run_after(FAR_MS), cancel(ref(0)), system_query(JOBS, order="desc", take=1))

    assert [document["_id"] for document in found.value] == [job.value]


def test_jobs_can_be_queried_page_by_page(probe: Probe) -> None:
    page = {"numItems": 1, "cursor": None}
    job, _, found = probe.mutation(run_after(FAR_MS), cancel(ref(0)), system_query(JOBS, order="desc", paginate=page))

    assert [document["_id"] for document in found.value["page"]] == [job.value]


@pytest.mark.diverges("system-tables")
def test_a_job_is_no_document_of_the_users(probe: Probe) -> None:
    _, _, outcome = probe.mutation(run_after(FAR_MS), cancel(ref(0)), get(ref(0)))

    assert outcome.error == "System tables can only be accessed with db.system."


@pytest.mark.diverges("system-tables")
def test_a_document_is_none_of_the_system(probe: Probe) -> None:
    _, outcome = probe.mutation(insert(THINGS, {"key": "a"}), system_get(ref(0)))

    assert outcome.error == "User tables cannot be accessed with db.system."


def test_the_table_of_jobs_is_no_users_table(probe: Probe) -> None:
    [outcome] = probe.query(query(JOBS))

    assert outcome.error == "System tables can only be accessed from db.system.query()."


def test_a_users_table_is_none_of_the_system(probe: Probe) -> None:
    [outcome] = probe.query(system_query(THINGS))

    assert outcome.error == "User tables can only be accessed from db.query()."


@pytest.mark.parametrize("table", [JOBS, THINGS])
def test_jobs_cannot_be_stored_by_hand(probe: Probe, table: str) -> None:
    [outcome] = probe.mutation(insert(table, {"key": "a"}))

    is_refused = outcome.error == "System tables (prefixed with `_`) are read-only."
    assert is_refused == (table == JOBS)

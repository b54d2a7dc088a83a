"""Lists over tables with more rows than a handler takes, or than an answer may hold.

Whatever narrows a query with an index reaches every row.  What does not ends in one of two ways: with up to 10,000 rows
that a handler takes and filters, or with the 8,192 elements that a list of a function's answer may have
(convex-engine.md §1.6, §1.9).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexStore, TaskQuery, ThreadFilter
from pytest_mastra_convex.conformance.crowd import LAST, PAST_THE_CAP, TIME, Crowd
from pytest_mastra_convex.conformance.records import ids_of, send
from pytest_mastra_convex.probe import Probe, call_mutation, counter

# The longest list a value may hold.
LONGEST = 8192
TOO_LONG = r"Array length is too long \(8193 > maximum length 8192\)"

List = Callable[[ConvexStore], Any]


# With an index


# The newest task, by everything a task can be asked for by an index.
def test_the_last_task_is_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    conditions: list[TaskQuery] = [
        {"run_id": "run-10000"},
        {"thread_id": "thread-10000"},
        {"resource_id": "resource-10000"},
        {"tool_call_id": "call-10000"},
        {"tool_name": "tool-10000"},
        {"agent_id": "agent-10000"},
        {"agent_id": "agent-10000", "status": "pending"},
        {"run_id": "run-10000", "status": ["pending", "running"]},
    ]
    crowd.fill("mastra_background_tasks", PAST_THE_CAP)

    listed = [convex_store.background_tasks.list_tasks(**condition) for condition in conditions]

    assert [(ids_of(one.tasks), one.total) for one in listed] == [([LAST], 1)] * len(conditions)


# Deleting by a condition lists first.
def test_the_last_task_is_deleted_by_a_condition(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_background_tasks", PAST_THE_CAP)

    convex_store.background_tasks.delete_tasks(run_id="run-10000")

    assert convex_store.background_tasks.get_task(LAST) is None


def test_the_last_thread_is_listed_for_its_resource(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_threads", PAST_THE_CAP)

    listed = convex_store.memory.list_threads(filter=ThreadFilter(resource_id="resource-10000"))

    assert (ids_of(listed.threads), listed.total, listed.has_more) == ([LAST], 1, False)


@pytest.mark.parametrize(
    "list_them",
    [
        pytest.param(lambda memory: memory.list_messages(thread_id="thread-10000"), id="thread"),
        pytest.param(lambda memory: memory.list_messages_by_resource_id(resource_id="resource-10000"), id="resource"),
    ],
)
def test_the_last_message_is_listed(convex_store: ConvexStore, crowd: Crowd, list_them: Any) -> None:
    crowd.fill("mastra_messages", PAST_THE_CAP)

    listed = list_them(convex_store.memory)

    assert (ids_of(listed.messages), listed.total, listed.has_more) == ([LAST], 1, False)


# Of 10,001 schedules that are due, those that have waited longest: here the newest row is the first to come.
def test_the_last_schedule_is_due_first(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_schedules", PAST_THE_CAP - 1, next_fire_at=2000)
    crowd.fill("mastra_schedules", 1, id=crowd.own("newest"), next_fire_at=1000)

    due = convex_store.schedules.list_due_schedules(datetime(2026, 11, 21, tzinfo=UTC), limit=2)

    assert ids_of(due)[0] == "newest"
    assert len(due) == 2


# Without an index: the longest list


EVERYTHING: list[Any] = [
    pytest.param("mastra_threads", lambda store: store.memory.list_threads(per_page=1).total, id="threads"),
    pytest.param("mastra_workflow_snapshots", lambda store: store.workflows.list_workflow_runs().total, id="runs"),
    pytest.param(
        "mastra_scorers",
        lambda store: store.scores.list_scores_by_scorer_id(scorer_id="scorer-1", page=0, per_page=1).total + 8191,
        id="scores",
    ),
    pytest.param("mastra_background_tasks", lambda store: store.background_tasks.list_tasks().total, id="tasks"),
]


# As many rows as one answer may hold, all of them there.
@pytest.mark.parametrize(("table", "list_them"), EVERYTHING)
def test_8192_rows_are_listed(convex_store: ConvexStore, crowd: Crowd, table: str, list_them: List) -> None:
    crowd.fill(table, LONGEST)

    assert list_them(convex_store) == LONGEST


# One more and the list cannot be had any more, not even its first page: the handler's answer is refused.  On
# convex-test the same goes on to 10,000, where it begins to leave out the newest without a word.
@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize(("table", "list_them"), EVERYTHING)
def test_8193_rows_are_not_listed(convex_store: ConvexStore, crowd: Crowd, table: str, list_them: List) -> None:
    crowd.fill(table, LONGEST + 1)

    with pytest.raises(FunctionError, match=TOO_LONG):
        list_them(convex_store)


# `listScores` sends no filter, so other scorers' scores are in the way of one's own.
@pytest.mark.diverges("shape-of-values")
def test_other_scores_are_in_the_way(convex_store: ConvexStore, crowd: Crowd) -> None:
    scores = convex_store.scores
    crowd.fill("mastra_scorers", LONGEST + 1)

    with pytest.raises(FunctionError, match=TOO_LONG):
        scores.list_scores_by_scorer_id(scorer_id="none", page=0, per_page=10)
    with pytest.raises(FunctionError, match=TOO_LONG):
        scores.list_scores_by_run_id(run_id="none", page=0, per_page=10)
    with pytest.raises(FunctionError, match=TOO_LONG):
        scores.list_scores_by_entity_id(entity_id="none", entity_type="AGENT", page=0, per_page=10)


# Several statuses and times are not sent either.
@pytest.mark.diverges("shape-of-values")
def test_other_tasks_are_in_the_way(convex_store: ConvexStore, crowd: Crowd) -> None:
    conditions: list[TaskQuery] = [{"status": ["running", "failed"]}, {"to_date": datetime(2020, 1, 1, tzinfo=UTC)}]
    crowd.fill("mastra_background_tasks", LONGEST + 1)

    for condition in conditions:
        with pytest.raises(FunctionError, match=TOO_LONG):
            convex_store.background_tasks.list_tasks(**condition)


# One status is sent, and an index answers it.
def test_a_status_reaches_its_tasks_only(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_background_tasks", PAST_THE_CAP)
    convex_store.background_tasks.update_task(LAST, status="running")

    assert ids_of(convex_store.background_tasks.list_tasks(status="running").tasks) == [LAST]
    assert convex_store.background_tasks.get_running_count() == 1


# One long conversation: a page of it needs all of it.
def test_8192_messages_of_a_thread_are_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_messages", LONGEST, thread_id=crowd.own("long"))

    listed = convex_store.memory.list_messages(thread_id="long", per_page=2, page=LONGEST // 2 - 1)

    assert (ids_of(listed.messages), listed.total, listed.has_more) == (["row-8190", "row-8191"], LONGEST, False)


@pytest.mark.diverges("shape-of-values")
def test_8193_messages_of_a_thread_are_not_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_messages", LONGEST + 1, thread_id=crowd.own("long"))

    with pytest.raises(FunctionError, match=TOO_LONG):
        convex_store.memory.list_messages(thread_id="long", per_page=2)


# Without a list: the cap


# The only list with a limit of its own: 8,000, and the newest are left out without a word.
def test_the_8001st_schedule_is_not_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    crowd.fill("mastra_schedules", 8001, created_at=counter())

    listed = ids_of(convex_store.schedules.list_schedules())

    assert len(listed) == 8000
    assert "row-8000" not in listed


# A load by other fields than the id looks at the first 10,000 rows.
@pytest.mark.parametrize(("number", "found"), [(9999, "row-9999"), (10_000, None)], ids=["10000th", "10001st"])
def test_a_load_by_other_fields_ends_at_10_000_rows(probe: Probe, crowd: Crowd, number: int, found: str | None) -> None:
    crowd.fill("mastra_threads", PAST_THE_CAP)
    request = {"op": "load", "tableName": "mastra_threads", "keys": {"title": f"title {number}"}}

    answer = probe.mutation(call_mutation("mastra/storage:handle", request))[0].value

    assert (answer["result"] or {}).get("id") == (found and crowd.own(found))


# A limit is the way out that other clients have: the newest are still not to be had, but the oldest are.
def test_a_limit_gives_the_oldest(convex_deployment: Deployment, crowd: Crowd) -> None:
    crowd.fill("mastra_threads", PAST_THE_CAP, createdAt=TIME)

    answer = send(convex_deployment, "queryTable", "mastra_threads", limit=2)

    assert ids_of(answer["result"]) == ["row-0", "row-1"]

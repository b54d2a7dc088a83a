"""Tables with more than the 16 MiB a function may read: what of Mastra still works then, and what does not.

A row of a megabyte is a message with a picture, or the snapshot of a run with one in its state.  What an index narrows
down reads only its own rows; every list that looks through a table fails as a whole, with its first page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import FunctionError
from convex_mastra_emulator.stores import ConvexStore, ConvexVector, StorageError
from pytest_mastra_convex.conformance.crowd import Crowd
from pytest_mastra_convex.conformance.records import ids_of, message, thread
from pytest_mastra_convex.probe import repeat

TOO_MUCH = r"Too many bytes read in a single function execution \(limit: 16777216 bytes\)"
MEGABYTE = repeat("x", 1_000_000)

List = Callable[[ConvexStore], Any]


def fill(crowd: Crowd, table: str, megabytes: int, field: str, text: Any = MEGABYTE, **fields: Any) -> None:
    """Stores rows of a megabyte each, eight in a mutation, which may write 16 MiB."""
    for start in range(0, megabytes, 8):
        crowd.fill(table, min(8, megabytes - start), **{field: text, **fields})


# Messages


# mastra-ai/mastra#13533, #13626: one small thread was listed by reading every thread's messages.
@pytest.mark.parametrize(
    "list_them",
    [
        pytest.param(lambda memory: memory.list_messages(thread_id="small"), id="thread"),
        pytest.param(lambda memory: memory.list_messages(thread_id=["small"]), id="list-of-threads"),
        pytest.param(lambda memory: memory.list_messages_by_resource_id(resource_id="resource-1"), id="resource"),
    ],
)
def test_other_threads_are_not_in_the_way(convex_store: ConvexStore, crowd: Crowd, list_them: Any) -> None:
    fill(crowd, "mastra_messages", 17, "content", resourceId=crowd.own("others"))
    convex_store.memory.save_messages(messages=[message("a", "small"), message("b", "small", minutes=1)])

    assert ids_of(list_them(convex_store.memory).messages) == ["a", "b"]


# Sixteen of them are not too much: they are 15.3 MiB, and one answer.
def test_a_thread_of_15_mib_is_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill(crowd, "mastra_messages", 16, "content", thread_id=crowd.own("large"))

    listed = convex_store.memory.list_messages(thread_id="large", per_page=1)

    assert (listed.total, listed.has_more) == (16, True)


# One thread that is too large itself: even a page of one message reads all of it.
@pytest.mark.diverges("read-limits")
@pytest.mark.parametrize(
    "list_them",
    [
        pytest.param(lambda memory: memory.list_messages(thread_id="large", per_page=1), id="thread"),
        pytest.param(
            lambda memory: memory.list_messages_by_resource_id(resource_id="picture", per_page=1), id="resource"
        ),
    ],
)
def test_a_thread_of_more_than_16_mib_is_not_listed(convex_store: ConvexStore, crowd: Crowd, list_them: Any) -> None:
    fill(crowd, "mastra_messages", 17, "content", thread_id=crowd.own("large"), resourceId=crowd.own("picture"))

    with pytest.raises(FunctionError, match=TOO_MUCH):
        list_them(convex_store.memory)


# It can still be written to, which nobody notices until somebody reads it.
def test_a_thread_of_more_than_16_mib_takes_messages(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill(crowd, "mastra_messages", 17, "content", thread_id=crowd.own("large"))
    memory = convex_store.memory

    memory.save_messages(messages=[message("new", "large")])

    assert ids_of(memory.list_messages_by_id(message_ids=["new"])) == ["new"]


# Threads are listed without their messages.
def test_threads_are_listed_whatever_was_said(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill(crowd, "mastra_messages", 17, "content", thread_id=crowd.own("thread-1"))
    convex_store.memory.save_thread(thread=thread("thread-1"))

    assert ids_of(convex_store.memory.list_threads().threads) == ["thread-1"]


# Workflows

STATE = {"status": "running", "context": {}}


def fill_runs(crowd: Crowd, store: ConvexStore, megabytes: int) -> None:
    """Stores runs of the workflow ``many``, a megabyte each, and a small one of another workflow."""
    text = '{"status":"running","context":{"text":"' + "x" * 1_000_000 + '"}}'
    fill(crowd, "mastra_workflow_snapshots", megabytes, "snapshot", text)
    store.workflows.persist_workflow_snapshot(
        workflow_name="small", run_id="run-small", resource_id="resource-small", snapshot=STATE
    )


# mastra-ai/mastra#12792: Studio lists all runs when it starts, and did not start any more.
@pytest.mark.diverges("read-limits")
@pytest.mark.parametrize(
    "list_them",
    [
        pytest.param(lambda workflows: workflows.list_workflow_runs(), id="all"),
        pytest.param(lambda workflows: workflows.list_workflow_runs(page=0, per_page=1), id="page"),
        pytest.param(lambda workflows: workflows.list_workflow_runs(status="suspended"), id="status"),
        pytest.param(lambda workflows: workflows.list_workflow_runs(workflow_name="many"), id="workflow"),
        pytest.param(lambda workflows: workflows.get_workflow_run_by_id(run_id="run-small"), id="run-alone"),
    ],
)
def test_more_than_16_mib_of_runs_are_not_listed(convex_store: ConvexStore, crowd: Crowd, list_them: Any) -> None:
    fill_runs(crowd, convex_store, 17)

    with pytest.raises(FunctionError, match=TOO_MUCH):
        list_them(convex_store.workflows)


# The other side: 15.3 MiB of runs are listed.
def test_15_mib_of_runs_are_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill_runs(crowd, convex_store, 16)

    assert convex_store.workflows.list_workflow_runs(page=0, per_page=1).total == 17


# The ways that remain: an index leads to a workflow, to a resource and to a run.
def test_other_runs_are_not_in_the_way(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill_runs(crowd, convex_store, 17)
    workflows = convex_store.workflows

    of_workflow = workflows.list_workflow_runs(workflow_name="small")
    of_resource = workflows.list_workflow_runs(resource_id="resource-small")
    one = workflows.get_workflow_run_by_id(run_id="run-small", workflow_name="small")

    assert [run.run_id for run in of_workflow.runs + of_resource.runs] == ["run-small", "run-small"]
    assert one is not None
    assert workflows.load_workflow_snapshot(workflow_name="small", run_id="run-small") == STATE


# Other domains


# Scores are always read all of them: what others' runs gave counts as well.
@pytest.mark.diverges("read-limits")
def test_more_than_16_mib_of_scores_are_not_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill(crowd, "mastra_scorers", 17, "output")

    with pytest.raises(FunctionError, match=TOO_MUCH):
        convex_store.scores.list_scores_by_run_id(run_id="run-small", page=0, per_page=10)


# Results of finished tasks are not in the way of what an index finds.
def test_other_tasks_are_not_in_the_way(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill(crowd, "mastra_background_tasks", 17, "result", status="completed")
    crowd.fill("mastra_background_tasks", 1, id=crowd.own("small"), run_id=crowd.own("mine"), status="running")
    tasks = convex_store.background_tasks

    assert ids_of(tasks.list_tasks(run_id="mine").tasks) == ["small"]
    assert tasks.get_running_count() == 1


# Several statuses are not sent, so everything is read.  This table's errors are answers, not failures.
@pytest.mark.diverges("read-limits")
def test_more_than_16_mib_of_tasks_are_not_listed(convex_store: ConvexStore, crowd: Crowd) -> None:
    fill(crowd, "mastra_background_tasks", 17, "result", status="completed")

    with pytest.raises(StorageError, match=TOO_MUCH):
        convex_store.background_tasks.list_tasks(status=["running", "pending"])


# Vectors are read in pages, which end before it is too much: the metadata of an index may be as large as they like.
def test_more_than_16_mib_of_vectors_are_searched(convex_vector: ConvexVector, crowd: Crowd) -> None:
    convex_vector.create_index("large", dimension=2)
    fill(crowd, "mastra_vectors", 17, "metadata", {"text": MEGABYTE}, indexName=crowd.own("large"))
    convex_vector.upsert("large", ids=["nearest"], vectors=[[0.0, 1.0]])

    found = convex_vector.query("large", query_vector=[0.0, 1.0], top_k=1)

    assert ids_of(found) == ["nearest"]
    assert convex_vector.describe_index("large").count == 18

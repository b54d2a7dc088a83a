"""Strategies for Mastra's records: what they draw is saved and read back equal."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores import ConvexStore, Message, Resource, SaveScorePayload, Thread, WorkflowRun
from pytest_mastra_convex.strategies import messages, resources, scores, threads, workflow_snapshots

no_deadline = settings(deadline=None, max_examples=60)


def new_store() -> ConvexStore:
    return ConvexStore(Emulator())


def minimal(values: st.SearchStrategy[Any], is_wanted: Callable[[Any], bool]) -> Any:
    """The simplest value; conditions that look alike would find each other's in a database."""
    return find(values, is_wanted, settings=settings(database=None, derandomize=True, max_examples=2000))


def parts_of(message: Message, kind: str) -> list[dict[str, Any]]:
    return [part for part in message.content["parts"] if part["type"] == kind]


# Memory


@no_deadline
@given(threads())
def test_threads_are_saved_and_read_back(thread: Thread) -> None:
    memory = new_store().memory

    memory.save_thread(thread=thread)

    assert memory.get_thread_by_id(thread_id=thread.id) == thread
    assert memory.list_threads().threads == [thread]


@no_deadline
@given(resources())
def test_resources_are_saved_and_read_back(resource: Resource) -> None:
    memory = new_store().memory

    memory.save_resource(resource=resource)

    assert memory.get_resource_by_id(resource_id=resource.id) == resource


@no_deadline
@given(messages())
def test_messages_are_saved_and_read_back(message: Message) -> None:
    memory = new_store().memory

    returned = memory.save_messages(messages=[message])

    assert returned == [message]
    assert memory.list_messages(thread_id=message.thread_id or "").messages == [message]
    assert memory.list_messages_by_id(message_ids=[message.id]) == [message]


@no_deadline
@given(st.lists(messages(thread_ids=st.just("t")), max_size=5, unique_by=lambda message: message.id))
def test_messages_of_a_thread_are_listed_by_time(said: list[Message]) -> None:
    memory = new_store().memory

    memory.save_messages(messages=said)

    assert memory.list_messages(thread_id="t").messages == sorted(said, key=lambda message: message.created_at)


@no_deadline
@given(messages(roles=["user"], ids=st.just("m"), thread_ids=st.just("t"), resource_ids=st.just("r")))
def test_messages_are_whose_they_should_be(message: Message) -> None:
    assert (message.id, message.thread_id, message.resource_id, message.role) == ("m", "t", "r", "user")


def test_assistants_say_parts_of_every_kind() -> None:
    kinds: set[str] = set()
    states: set[tuple[str, bool]] = set()

    @settings(deadline=None, max_examples=200, derandomize=True, database=None)
    @given(messages(roles=["assistant"]))
    def look(message: Message) -> None:
        kinds.update(part["type"] for part in message.content["parts"])
        calls = [part["toolInvocation"] for part in parts_of(message, "tool-invocation")]
        states.update((call["state"], "result" in call) for call in calls)

    look()

    assert kinds == {"text", "file", "reasoning", "step-start", "tool-invocation"}
    assert states == {("call", False), ("partial-call", False), ("result", True)}


def test_messages_of_tools_shrink_to_one_result() -> None:
    said = messages(roles=["tool"], ids=st.just("m"), thread_ids=st.just("t"), resource_ids=st.just("r"))

    (part,) = minimal(said, lambda message: True).content["parts"]

    invocation: dict[str, Any] = {"state": "result", "toolCallId": "0", "toolName": "0", "args": {}, "result": None}
    assert part == {"type": "tool-invocation", "toolInvocation": invocation}


def test_messages_shrink_to_the_simplest() -> None:
    message = minimal(messages(roles=["user"]), lambda message: True)

    assert message.content == {"format": 2, "parts": [{"type": "text", "text": ""}]}


@no_deadline
@given(messages(roles=["system"]))
def test_system_messages_are_drawn_only_when_asked(message: Message) -> None:
    assert message.role == "system"
    assert {part["type"] for part in message.content["parts"]} == {"text"}


@pytest.mark.parametrize("roles", [[], ["signal"]])
def test_other_roles_are_refused(roles: list[str]) -> None:
    with pytest.raises(ValueError, match="roles must be some of user, assistant, tool, system, got "):
        messages(roles=roles)


# Workflows and scores


@no_deadline
@given(workflow_snapshots())
def test_runs_are_saved_and_read_back(run: WorkflowRun) -> None:
    workflows = new_store().workflows

    workflows.persist_workflow_snapshot(
        workflow_name=run.workflow_name,
        run_id=run.run_id,
        resource_id=run.resource_id,
        snapshot=run.snapshot,
        created_at=run.created_at,
        updated_at=run.updated_at,
    )

    assert workflows.load_workflow_snapshot(workflow_name=run.workflow_name, run_id=run.run_id) == run.snapshot
    assert workflows.list_workflow_runs(status=run.snapshot["status"]).runs == [run]


# The handler merges into a snapshot's context, so every one must have it.
@no_deadline
@given(workflow_snapshots())
def test_runs_take_results_of_steps(run: WorkflowRun) -> None:
    workflows = new_store().workflows
    workflows.persist_workflow_snapshot(workflow_name=run.workflow_name, run_id=run.run_id, snapshot=run.snapshot)
    result = {"status": "success", "output": 1}

    context = workflows.update_workflow_results(
        workflow_name=run.workflow_name, run_id=run.run_id, step_id="new step", result=result, request_context={}
    )

    assert context == {**run.snapshot["context"], "new step": result}


def test_runs_shrink_to_the_simplest() -> None:
    run = minimal(workflow_snapshots(), lambda run: True)

    assert run.snapshot["status"] == "running"
    assert run.snapshot["runId"] == run.run_id
    assert run.snapshot["context"] == {}


@no_deadline
@given(scores())
def test_scores_are_saved_and_read_back(score: SaveScorePayload) -> None:
    store = new_store().scores

    saved = store.save_score(score)

    read = store.get_score_by_id(id=saved.id)
    assert read == saved
    assert {field.name: getattr(read, field.name) for field in fields(score)} == {
        field.name: getattr(score, field.name) for field in fields(score)
    }


def test_scores_shrink_to_the_simplest() -> None:
    score = minimal(scores(), lambda score: True)

    assert (score.score, score.source, score.reason, score.metadata) == (0.0, "LIVE", None, None)

"""What several clients change at once in one of Mastra's records is all there afterwards.

A mutation that read what another changed meanwhile is run again; a deployment gives up after some tries, and then the
client has to try again (convex-engine.md §10.10, get-convex/convex-js#170).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.stores import ConvexStore
from pytest_mastra_convex.conformance.records import thread
from pytest_mastra_convex.factories import MastraFactory
from pytest_mastra_convex.probe import Probe, eq, insert, query

THINGS = "conformance_things"
CLIENTS = 6
TRIES = 20


def at_once(work: Callable[[int], Any], count: int = CLIENTS) -> list[Any]:
    """What each of several clients got, all of them working at the same time."""

    def persistently(client: int) -> Any:
        for _ in range(TRIES):
            try:
                return work(client)
            except RequestRefused as refusal:
                if refusal.code != "OptimisticConcurrencyControlFailure":
                    raise
        raise AssertionError(f"lost {TRIES} times")

    with ThreadPoolExecutor(count) as clients:
        return list(clients.map(persistently, range(count)))


# "Is the name taken?", asked by all of them at once: an index range that was empty is part of what was read.
def test_a_name_is_taken_once(probe: Probe) -> None:
    probe.query()  # on a deployment that is shared, the first call waits for others

    def was_free(client: int) -> bool:
        taken, _ = probe.mutation(
            query(THINGS, index="by_key", range=[eq("key", "name")], count=True),
            insert(THINGS, {"key": "name", "client": client}),
        )
        return bool(taken.value == 0)

    assert at_once(was_free).count(True) == 1


# mastra-ai/mastra#17298: metadata were read, merged in the client and written back whole.
def test_metadata_of_a_thread_are_all_kept(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("thread-1", metadata={"kept": True}))

    at_once(lambda client: memory.update_thread(id="thread-1", title="t", metadata={f"client{client}": client}))

    updated = memory.get_thread_by_id(thread_id="thread-1")
    assert updated is not None
    assert updated.metadata == {"kept": True, **{f"client{client}": client for client in range(CLIENTS)}}


# mastra-ai/mastra#17298: one agent writes working memory, another metadata, of somebody nobody has met before.
def test_fields_of_a_new_resource_are_all_kept(convex_store: ConvexStore) -> None:
    memory = convex_store.memory

    def update(client: int) -> None:
        memory.update_resource(resource_id="resource-1", metadata={f"client{client}": client})

    at_once(update)

    resource = memory.get_resource_by_id(resource_id="resource-1")
    assert resource is not None
    assert resource.metadata == {f"client{client}": client for client in range(CLIENTS)}


# mastra-ai/mastra#17298: state of a run, by fields.
def test_state_of_a_run_is_all_kept(convex_store: ConvexStore) -> None:
    workflows = convex_store.workflows
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    workflows.persist_workflow_snapshot(**run, snapshot={"status": "running", "context": {}})

    at_once(lambda client: workflows.update_workflow_state(**run, opts={f"field{client}": client}))

    snapshot = workflows.load_workflow_snapshot(**run)
    assert snapshot == {
        "status": "running",
        "context": {},
        **{f"field{client}": client for client in range(CLIENTS)},
    }


# mastra-ai/mastra#16638: the result of a step and the status of its run, written at the same moment by two workers.
def test_results_and_state_of_a_run_are_both_kept(convex_store: ConvexStore) -> None:
    workflows = convex_store.workflows
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    workflows.persist_workflow_snapshot(**run, snapshot={"status": "running", "context": {}})

    def write(client: int) -> None:
        if client % 2:
            workflows.update_workflow_state(**run, opts={f"field{client}": client})
        else:
            workflows.update_workflow_results(**run, step_id=f"step{client}", result=client, request_context={})

    at_once(write)

    snapshot = workflows.load_workflow_snapshot(**run)
    assert sorted(snapshot["context"]) == [f"step{client}" for client in range(0, CLIENTS, 2)]
    assert [snapshot[f"field{client}"] for client in range(1, CLIENTS, 2)] == list(range(1, CLIENTS, 2))


# Flags and chunks of observational memory come from an agent and its observer.
def test_flags_and_tokens_of_observational_memory_are_all_kept(
    convex_store: ConvexStore, mastra_factory: MastraFactory
) -> None:
    memory = convex_store.memory
    record = mastra_factory.observational_memory(is_reflecting=False, is_observing=False)
    memory.insert_observational_memory_record(record)
    writes: list[Callable[[], Any]] = [
        lambda: memory.set_reflecting_flag(record.id, True),
        lambda: memory.set_observing_flag(record.id, True),
        lambda: memory.set_buffering_reflection_flag(record.id, True),
        lambda: memory.set_pending_message_tokens(record.id, 123),
    ]

    at_once(lambda client: writes[client](), len(writes))

    stored = memory.get_observational_memory(record.thread_id, record.resource_id or "")
    assert stored is not None
    assert (stored.is_reflecting, stored.is_observing, stored.is_buffering_reflection) == (True, True, True)
    assert stored.pending_message_tokens == 123


# What is persisted whole wins over a result that came meanwhile: the reason why results have an operation of their own.
def test_a_snapshot_that_is_persisted_replaces_the_whole(convex_store: ConvexStore) -> None:
    workflows = convex_store.workflows
    run: dict[str, Any] = {"workflow_name": "import", "run_id": "run-1"}
    read_before = {"status": "running", "context": {}}
    workflows.persist_workflow_snapshot(**run, snapshot=read_before)
    workflows.update_workflow_results(**run, step_id="step", result=1, request_context={})

    workflows.persist_workflow_snapshot(**run, snapshot=read_before)

    assert workflows.load_workflow_snapshot(**run) == read_before

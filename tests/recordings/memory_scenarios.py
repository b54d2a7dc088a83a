"""Scenarios of conversations: threads, messages and their pages, resources, observational memory."""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator.stores import (
    BufferedObservationChunkInput,
    DateRange,
    Include,
    Message,
    MessageFilter,
    MessageUpdate,
    OrderBy,
    Resource,
    Thread,
    ThreadFilter,
)
from tests.recordings.scene import Scene, at


def thread(thread_id: str, minute: int, **metadata: Any) -> Thread:
    return Thread(
        id=thread_id,
        resource_id="ada",
        title=f"About {thread_id}",
        metadata=metadata,
        created_at=at(minute),
        updated_at=at(minute),
    )


def message(message_id: str, thread_id: str, minute: int, **metadata: Any) -> Message:
    content = {"format": 2, "parts": [{"type": "text", "text": f"Words of {message_id}"}], "metadata": metadata}
    return Message(
        id=message_id, thread_id=thread_id, resource_id="ada", role="user", content=content, created_at=at(minute)
    )


def threads(scene: Scene) -> None:
    memory = scene.store.memory
    for number in range(4):
        memory.save_thread(thread=thread(f"thread-{number}", number, topic=f"topic {number % 2}"))
    memory.get_thread_by_id(thread_id="thread-2")
    memory.get_thread_by_id(thread_id="thread-2", resource_id="somebody else")
    memory.update_thread(id="thread-1", title="Renamed", metadata={"pinned": True})
    memory.update_thread(id="thread-1", title="Renamed", metadata={"topic": None})
    memory.save_thread(thread=thread("thread-0", 9, topic="written again"))
    memory.list_threads(page=1, per_page=2)
    memory.list_threads(
        filter=ThreadFilter(resource_id="ada", metadata={"topic": "topic 1"}),
        order_by=OrderBy(field="updatedAt", direction="ASC"),
    )
    scene.refused(lambda: memory.update_thread(id="nobody", title="x", metadata={}))
    memory.delete_thread(thread_id="thread-3")
    memory.get_thread_by_id(thread_id="thread-3")


def pages_of_messages(scene: Scene) -> None:
    memory = scene.store.memory
    memory.save_thread(thread=thread("thread-1", 0))
    memory.save_messages(messages=[message(f"message-{n}", "thread-1", n, even=n % 2 == 0) for n in (3, 1, 4, 0, 2)])
    for page in range(3):
        memory.list_messages(thread_id="thread-1", page=page, per_page=2)
    memory.list_messages(thread_id="thread-1", per_page=False, order_by=OrderBy(field="createdAt", direction="DESC"))
    memory.list_messages(thread_id="thread-1", filter=MessageFilter(metadata={"even": True}))
    memory.list_messages(thread_id="thread-1", filter=MessageFilter(date_range=DateRange(start=at(1), end=at(3))))
    memory.list_messages(
        thread_id="thread-1",
        per_page=0,
        include=[Include(id="message-2", with_previous_messages=1, with_next_messages=1)],
    )
    memory.list_messages_by_resource_id(resource_id="ada", per_page=3)


# The whole loaded row goes back to the deployment, `_id` and `_creationTime` with it.
def changed_messages(scene: Scene) -> None:
    memory = scene.store.memory
    for number in (1, 2):
        memory.save_thread(thread=thread(f"thread-{number}", number))
    memory.save_messages(messages=[message(f"message-{n}", "thread-1", n) for n in range(3)])
    memory.update_messages(
        messages=[
            MessageUpdate(id="message-1", content={"metadata": {"seen": True}}),
            MessageUpdate(id="message-2", thread_id="thread-2", role="assistant"),
            MessageUpdate(id="nobody", role="assistant"),
        ]
    )
    memory.list_messages_by_id(message_ids=["message-2", "message-0", "nobody"])
    memory.delete_messages(["message-0", "nobody"])
    memory.list_messages(thread_id=["thread-1", "thread-2"])


def resources(scene: Scene) -> None:
    memory = scene.store.memory
    memory.get_resource_by_id(resource_id="ada")
    memory.save_resource(resource=Resource(id="ada", working_memory="", created_at=at(0), updated_at=at(0)))
    memory.update_resource(resource_id="ada", working_memory="# Ada\nlikes engines")
    memory.update_resource(resource_id="ada", metadata={"plan": {"name": "free"}})
    memory.update_resource(resource_id="ada", metadata={"plan": None, "since": 1843})
    memory.get_resource_by_id(resource_id="ada")
    memory.update_resource(resource_id="charles", metadata={"made": "by update"})
    memory.get_resource_by_id(resource_id="charles")


def observational_memory(scene: Scene) -> None:
    memory = scene.store.memory
    record = memory.initialize_observational_memory(
        thread_id="thread-1", resource_id="ada", scope="thread", config={"observation": {"messageTokens": 100}}
    )
    memory.set_observing_flag(record.id, True)
    memory.update_active_observations(
        id=record.id,
        observations="* Ada asked about engines",
        token_count=7,
        last_observed_at=at(1),
        observed_message_ids=["message-1"],
    )
    chunk = BufferedObservationChunkInput(
        cycle_id="cycle-1",
        observations="* Ada wants a drawing",
        token_count=5,
        message_ids=["message-2"],
        message_tokens=40,
        last_observed_at=at(2),
    )
    # The id of a buffered chunk is the client's and random; a plain request has one that stays.
    scene.deployment.mutation(
        "mastra/storage:handle",
        {
            "op": "omAppendBufferedChunk",
            "tableName": "mastra_observational_memory",
            "id": record.id,
            "chunk": {
                "id": "ombuf-1",
                "cycleId": chunk.cycle_id,
                "observations": chunk.observations,
                "tokenCount": chunk.token_count,
                "messageIds": chunk.message_ids,
                "messageTokens": chunk.message_tokens,
                "lastObservedAt": "2026-11-20T12:02:00.000Z",
                "createdAt": "2026-11-20T12:02:00.000Z",
            },
            "updatedAt": "2026-11-20T12:03:00.000Z",
        },
    )
    memory.get_observational_memory("thread-1", "ada")
    memory.swap_buffered_to_active(
        id=record.id, activation_ratio=1, message_tokens_threshold=100, current_pending_tokens=40
    )
    swapped = memory.get_observational_memory("thread-1", "ada")
    assert swapped is not None
    memory.create_reflection_generation(current_record=swapped, reflection="* Ada builds engines", token_count=4)
    memory.get_observational_memory_history("thread-1", "ada")
    scene.refused(lambda: memory.set_observing_flag("nobody", True))
    scene.refused(
        lambda: memory.update_active_observations(id="nobody", observations="", token_count=0, last_observed_at=at(1))
    )
    memory.clear_observational_memory("thread-1", "ada")
    memory.get_observational_memory("thread-1", "ada")


SCENARIOS = (threads, pages_of_messages, changed_messages, resources, observational_memory)

"""Threads, as the Python store reads and writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.stores.errors import MastraError
from convex_mastra_emulator.stores.pagination import MAX_SAFE_INTEGER, OrderBy
from convex_mastra_emulator.stores.storage_client import StorageClient
from convex_mastra_emulator.stores.threads import ConvexThreads, Thread, ThreadFilter
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


def on(deployment: Any) -> ConvexThreads:
    return ConvexThreads(StorageClient(deployment, clock=lambda: LATER))


def thread(id: str, minute: int = 0, **fields: Any) -> Thread:
    at = NOON + timedelta(minutes=minute)
    given = {"resource_id": "r", "title": id, "created_at": at, "updated_at": NOON - timedelta(minutes=minute)}
    return Thread(id=id, **{**given, **fields})


def ids(threads: list[Thread]) -> list[str]:
    return [one.id for one in threads]


def test_missing_thread_is_none() -> None:
    assert on(Emulator()).get_thread_by_id(thread_id="absent") is None


def test_saved_thread_is_read_back() -> None:
    threads = on(Emulator())
    saved = thread("a", metadata={"n": 1, "deep": {"list": [None, "x"]}})

    assert threads.save_thread(thread=saved) is saved
    assert threads.get_thread_by_id(thread_id="a") == saved


# The rows' own fields reach the user in TypeScript too; they take no part in comparing.
def test_read_thread_has_its_system_fields() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a"))

    read = threads.get_thread_by_id(thread_id="a")

    assert read is not None
    assert read.convex_id
    assert read.creation_time
    assert threads.save_thread(thread=replace(read, title="Again")) == replace(read, title="Again")


def test_metadata_default_to_an_object() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a"))

    assert threads.get_thread_by_id(thread_id="a") == thread("a", metadata={})


def test_dates_inside_metadata_are_stored_as_text() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a", metadata={"at": NOON}))

    assert threads.get_thread_by_id(thread_id="a") == thread("a", metadata={"at": "2026-01-02T12:00:00.000Z"})


def test_empty_title_stays_empty() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a", title=""))

    assert threads.get_thread_by_id(thread_id="a") == thread("a", title="", metadata={})


# mastra-adapter.md §0.6: the schema is stricter than Mastra's types.
def test_thread_without_title_is_refused() -> None:
    with pytest.raises(FunctionError, match="title"):
        on(Emulator()).save_thread(thread=thread("a", title=None))


@pytest.mark.parametrize(("resource_id", "is_found"), [(None, True), ("r", True), ("other", False), ("", False)])
def test_thread_is_found_for_its_resource(resource_id: str | None, is_found: bool) -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a"))

    assert (threads.get_thread_by_id(thread_id="a", resource_id=resource_id) is not None) is is_found


def test_update_merges_metadata_and_moves_the_time() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a", metadata={"a": 1, "b": 1}))

    updated = threads.update_thread(id="a", title="New", metadata={"b": 2})

    assert updated == thread("a", title="New", metadata={"a": 1, "b": 2}, updated_at=LATER)
    assert threads.get_thread_by_id(thread_id="a") == updated


def test_update_of_a_missing_thread_names_it() -> None:
    with pytest.raises(MastraError, match="Thread absent not found") as caught:
        on(Emulator()).update_thread(id="absent", title="New", metadata={})

    assert caught.value.id == "MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND"
    assert (caught.value.domain, caught.value.category, caught.value.details) == ("STORAGE", "USER", {})


def test_update_needs_a_title() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a"))

    with pytest.raises(FunctionError, match="title"):
        threads.update_thread(id="a", metadata={})


@pytest.mark.parametrize(
    ("changes", "title", "metadata"),
    [({"title": "New"}, "New", {"a": 1}), ({"metadata": {"b": 2}}, "a", {"a": 1, "b": 2}), ({}, "a", {"a": 1})],
)
def test_patch_keeps_what_is_not_given(changes: Any, title: str, metadata: Any) -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a", metadata={"a": 1}))

    assert threads.patch_thread(id="a", **changes) == thread("a", title=title, metadata=metadata, updated_at=LATER)


def test_metadata_are_updated_by_a_function() -> None:
    threads = on(Emulator())
    threads.save_thread(thread=thread("a", metadata={"n": 1}))

    updated = threads.update_thread_metadata(id="a", update=lambda read: {"n": read.metadata["n"] + 1})

    assert updated == thread("a", metadata={"n": 2}, updated_at=LATER)


def test_function_may_leave_metadata_alone() -> None:
    recording = RecordingDeployment(Emulator())
    on(recording).save_thread(thread=thread("a"))

    assert on(recording).update_thread_metadata(id="a", update=lambda _: None) == thread("a", metadata={})
    assert on(recording).update_thread_metadata(id="a", resource_id="other", update=lambda _: {}) is None
    assert recording.operations == ["insert", "load", "load"]


def test_delete_takes_the_messages_along() -> None:
    emulator = Emulator()
    recording = RecordingDeployment(emulator)
    threads = on(recording)
    threads.save_thread(thread=thread("a"))
    for message_id in ("m1", "m2"):
        record = {"id": message_id, "thread_id": "a", "content": "{}", "role": "user", "type": "v2", "createdAt": "x"}
        emulator.mutation("mastra/storage:handle", {"op": "insert", "tableName": "mastra_messages", "record": record})

    threads.delete_thread(thread_id="a")

    assert emulator.table_counts() == {}
    assert recording.operations == ["insert", "queryTable", "deleteMany", "deleteMany"]


def test_delete_of_a_missing_thread_is_no_error() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).delete_thread(thread_id="absent")

    assert recording.operations == ["queryTable", "deleteMany"]


def with_threads(count: int) -> ConvexThreads:
    threads = on(Emulator())
    for index in range(count):
        threads.save_thread(thread=thread(f"t{index}", index, metadata={"even": index % 2 == 0, "n": index}))
    return threads


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (None, ["t2", "t1", "t0"]),
        (OrderBy(direction="ASC"), ["t0", "t1", "t2"]),
        (OrderBy(field="updated_at"), ["t0", "t1", "t2"]),
        (OrderBy(field="updatedAt", direction="ASC"), ["t2", "t1", "t0"]),
        (OrderBy(field="title", direction="UP"), ["t2", "t1", "t0"]),
    ],
)
def test_lists_are_ordered(order_by: OrderBy | None, expected: list[str]) -> None:
    assert ids(with_threads(3).list_threads(order_by=order_by).threads) == expected


@pytest.mark.parametrize(
    ("page", "per_page", "expected", "has_more"),
    [
        (0, 2, ["t4", "t3"], True),
        (1, 2, ["t2", "t1"], True),
        (2, 2, ["t0"], False),
        (3, 2, [], False),
        (0, 5, ["t4", "t3", "t2", "t1", "t0"], False),
        (0, 0, [], True),
        (0, False, ["t4", "t3", "t2", "t1", "t0"], False),
    ],
)
def test_lists_have_pages(page: int, per_page: Any, expected: list[str], has_more: bool) -> None:
    found = with_threads(5).list_threads(page=page, per_page=per_page)

    assert (ids(found.threads), found.total, found.page, found.has_more) == (expected, 5, page, has_more)
    assert found.per_page is per_page


def test_page_holds_a_hundred_unless_said_otherwise() -> None:
    threads = with_threads(101)

    found = threads.list_threads()

    assert (len(found.threads), found.per_page, found.has_more) == (100, 100, True)
    assert ids(threads.list_threads(page=1).threads) == ["t0"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ThreadFilter(resource_id="r"), ["t2", "t1", "t0"]),
        (ThreadFilter(resource_id="other"), []),
        (ThreadFilter(resource_id=""), ["t2", "t1", "t0"]),
        (ThreadFilter(metadata={"even": True}), ["t2", "t0"]),
        (ThreadFilter(metadata={"even": True, "n": 2}), ["t2"]),
        (ThreadFilter(metadata={"even": 1}), []),
        (ThreadFilter(metadata={"absent": None}), []),
        (ThreadFilter(metadata={}), ["t2", "t1", "t0"]),
    ],
)
def test_lists_are_filtered(wanted: ThreadFilter, expected: list[str]) -> None:
    found = with_threads(3).list_threads(filter=wanted)

    assert (ids(found.threads), found.total) == (expected, len(expected))


# Rows of old versions hold metadata as text, some of it cut off.
def test_metadata_stored_as_text_are_parsed() -> None:
    emulator = Emulator()
    for index, metadata in enumerate(('{"a":1}', "{broken")):
        record = {"id": f"x{index}", "resourceId": "r", "title": "", "metadata": metadata}
        record |= {"createdAt": "2026-01-02T12:00:00.000Z", "updatedAt": "2026-01-02T12:00:00.000Z"}
        emulator.mutation("mastra/storage:handle", {"op": "insert", "tableName": "mastra_threads", "record": record})
    threads = on(emulator)

    assert [one.metadata for one in threads.list_threads().threads] == [{"a": 1}, "{broken"]
    assert ids(threads.list_threads(filter=ThreadFilter(metadata={"a": 1})).threads) == ["x0"]


@pytest.mark.parametrize(
    ("page", "per_page", "reason", "details"),
    [
        (-1, None, "page must be >= 0", {"page": -1}),
        (0, -1, "perPage must be >= 0", {"page": 0, "perPage": -1}),
        (0, 1.5, "perPage must be false or a safe integer", {"page": 0, "perPage": 1.5}),
        (1, False, "page must be 0 when perPage is false", {"page": 1, "perPage": False}),
        (2, MAX_SAFE_INTEGER, "page value too large", {"page": 2, "perPage": MAX_SAFE_INTEGER}),
    ],
)
def test_pages_that_cannot_be_are_refused_unsent(page: int, per_page: Any, reason: str, details: Any) -> None:
    recording = RecordingDeployment(Emulator())

    with pytest.raises(MastraError, match=reason) as caught:
        on(recording).list_threads(page=page, per_page=per_page)

    assert caught.value.id == "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_PAGE"
    assert caught.value.details == details
    assert recording.requests == []


def test_metadata_keys_that_cannot_be_are_refused_unsent() -> None:
    recording = RecordingDeployment(Emulator())

    with pytest.raises(MastraError, match='Invalid metadata key: "a-b"') as caught:
        on(recording).list_threads(filter=ThreadFilter(metadata={"ok": 1, "a-b": 2}))

    assert caught.value.id == "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_METADATA_KEY"
    assert caught.value.details == {"metadataKeys": "ok, a-b"}
    assert recording.requests == []

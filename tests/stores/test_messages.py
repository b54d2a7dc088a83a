"""Messages, as the Python store reads and writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.message_list import through_message_list
from convex_mastra_emulator.stores.message_rows import Include, Message, MessageFilter, MessagePage, MessageUpdate
from convex_mastra_emulator.stores.messages import ConvexMessages
from convex_mastra_emulator.stores.pagination import MAX_SAFE_INTEGER, DateRange, OrderBy
from convex_mastra_emulator.stores.storage_client import StorageClient
from convex_mastra_emulator.stores.threads import ConvexThreads, Thread
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)
NEWEST_FIRST = OrderBy(direction="DESC")


def on(deployment: Any) -> ConvexMessages:
    return ConvexMessages(StorageClient(deployment, clock=lambda: LATER))


def threads_on(deployment: Any, *thread_ids: str) -> ConvexThreads:
    threads = ConvexThreads(StorageClient(deployment))
    for id in thread_ids:
        threads.save_thread(thread=Thread(id=id, resource_id="r", title="", created_at=NOON, updated_at=NOON))
    return threads


def text(*parts: str, **fields: Any) -> dict[str, Any]:
    return {"format": 2, "parts": [{"type": "text", "text": part} for part in parts], **fields}


def message(id: str, minute: float = 0, **fields: Any) -> Message:
    given = {"thread_id": "t", "resource_id": "r", "role": "user", "type": "v2", "content": text(id)}
    return Message(id=id, created_at=NOON + timedelta(minutes=minute), **{**given, **fields})


def filled(count: int, *, thread_id: str = "t", deployment: Any = None) -> ConvexMessages:
    """Messages m0, m1, …, a minute apart, saved newest first."""
    messages = on(deployment or Emulator())
    messages.save_messages(
        messages=[
            message(
                f"{thread_id}.m{index}", index, thread_id=thread_id, content=text(metadata={"even": index % 2 == 0})
            )
            for index in reversed(range(count))
        ]
    )
    return messages


def ids(messages: Any) -> list[str]:
    return [one.id.removeprefix("t.") for one in (messages.messages if isinstance(messages, MessagePage) else messages)]


# Saving


def test_saved_messages_are_read_back() -> None:
    messages = on(Emulator())
    saved = [message("a", 1, content=text("A", metadata={"$key": [1.5, None]})), message("b", 2)]

    assert messages.save_messages(messages=saved) == saved
    assert messages.list_messages(thread_id="t").messages == saved


def test_content_is_stored_as_javascript_writes_it() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).save_messages(messages=[message("a", content={"z": 1.0, "1": "é"}, type=None)])

    assert recording.arguments[0]["records"] == [
        {
            "id": "a",
            "thread_id": "t",
            "content": '{"1":"é","z":1}',
            "role": "user",
            "type": "v2",
            "createdAt": "2026-01-02T12:00:00.000Z",
            "resourceId": "r",
        }
    ]


def test_saving_nothing_sends_nothing() -> None:
    recording = RecordingDeployment(Emulator())

    assert on(recording).save_messages(messages=[]) == []
    assert recording.requests == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"thread_id": ""}, "Thread ID is required"), ({"resource_id": None}, "Resource ID is required")],
)
def test_one_bad_message_keeps_all_from_being_saved(fields: Any, reason: str) -> None:
    recording = RecordingDeployment(Emulator())

    with pytest.raises(StorageError, match=reason):
        on(recording).save_messages(messages=[message("a"), message("b", **fields)])

    assert recording.requests == []


def test_each_thread_is_touched_once_in_order() -> None:
    recording = RecordingDeployment(Emulator())

    on(recording).save_messages(
        messages=[message("a", thread_id="t2"), message("b", thread_id="t1"), message("c", thread_id="t2")]
    )

    assert [(one["op"], one.get("id")) for one in recording.arguments] == [
        ("batchInsert", None),
        ("patch", "t2"),
        ("patch", "t1"),
    ]


def test_saving_moves_the_time_of_the_thread() -> None:
    emulator = Emulator()
    threads = threads_on(emulator, "t")

    on(emulator).save_messages(messages=[message("a")])

    read = threads.get_thread_by_id(thread_id="t")
    assert read is not None
    assert (read.created_at, read.updated_at) == (NOON, LATER)


def test_message_saved_again_moves_to_its_new_thread() -> None:
    messages = filled(1)

    messages.save_messages(messages=[message("t.m0", thread_id="u")])

    assert ids(messages.list_messages(thread_id="t")) == []
    assert ids(messages.list_messages(thread_id="u")) == ["m0"]


# MessageList


def test_result_is_sorted_and_without_system_messages() -> None:
    saved = [message("b", 2), message("a", 1), message("s", 0, role="system"), message("c", 2)]

    assert ids(through_message_list(saved)) == ["a", "b", "c"]


def test_message_that_looks_the_same_is_dropped() -> None:
    found = through_message_list([message("a", 1, type="v2"), message("a", 2, type="text")])

    assert found == [message("a", 1)]


def test_message_with_other_parts_takes_the_place_of_the_first() -> None:
    found = through_message_list([message("a"), message("b"), message("a", content=text("Other"))])

    assert found == [message("a", content=text("Other")), message("b")]


@pytest.mark.parametrize(
    ("first", "second", "are_same"),
    [
        ({"type": "data-x", "data": {"a": 1, "b": 2}}, {"type": "data-x", "data": {"b": 2, "a": 1}}, True),
        ({"type": "data-x", "data": 1}, {"type": "data-x", "data": 2}, False),
        ({"type": "file", "data": "d", "mimeType": "m"}, {"type": "file", "url": "d", "mediaType": "m"}, True),
        ({"type": "file", "data": "d"}, {"type": "file", "data": "e"}, False),
        ({"type": "reasoning", "reasoning": "a"}, {"type": "reasoning", "reasoning": "b"}, False),
        ({"type": "step-start"}, {"type": "step-start", "createdAt": 1}, True),
        (
            {"type": "tool-invocation", "toolInvocation": {"toolCallId": "c", "state": "call"}},
            {"type": "tool-invocation", "toolInvocation": {"toolCallId": "c", "state": "result"}},
            False,
        ),
        (
            {"type": "text", "text": "a", "providerMetadata": {"openai": {"itemId": "1"}, "azure": {"itemId": "1"}}},
            {"type": "text", "text": "a", "providerMetadata": {"azure": {"itemId": "1"}}},
            True,
        ),
        (
            {"type": "text", "text": "a", "providerMetadata": {"openai": {"itemId": "1"}}},
            {"type": "text", "text": "a"},
            False,
        ),
    ],
)
def test_parts_decide_what_is_the_same(first: Any, second: Any, are_same: bool) -> None:
    contents = [{"format": 2, "parts": [part], "n": n} for n, part in enumerate((first, second))]

    (found,) = through_message_list([message("a", content=content) for content in contents])

    assert (found.content["n"] == 0) is are_same


def test_parts_that_are_no_objects_are_left_out() -> None:
    (found,) = through_message_list([message("a", content={"format": 2, "parts": [None, 1, {"type": "step-start"}]})])

    assert found.content == {"format": 2, "parts": [{"type": "step-start"}]}


def test_tool_invocations_get_the_arguments_of_their_part() -> None:
    part = {"type": "tool-invocation", "toolInvocation": {"toolCallId": "c", "args": {"x": 1}}}
    calls = [{"toolCallId": "c", "args": {}}, {"toolCallId": "d"}]

    (found,) = through_message_list([message("a", content={"format": 2, "parts": [part], "toolInvocations": calls})])

    assert found.content["toolInvocations"] == [{"toolCallId": "c", "args": {"x": 1}}, {"toolCallId": "d"}]


@pytest.mark.parametrize(
    ("content", "converted"),
    [
        ("Text", {**text("Text"), "content": "Text"}),
        ([{"type": "text", "text": ""}, {"type": "text", "text": "A"}], text("A")),
        ([{"type": "text", "text": ""}], text("")),
        ({"parts": [{"type": "text", "text": "lost"}]}, text()),
    ],
)
def test_older_content_becomes_format_2(content: Any, converted: Any) -> None:
    assert through_message_list([message("a", role="tool", content=content)]) == [
        message("a", role="assistant", type=None, content=converted)
    ]


def test_other_lists_of_parts_stay_as_they_are() -> None:
    saved = message("a", content=[{"type": "image", "image": "x"}])

    assert through_message_list([saved]) == [saved]


def test_content_must_be_there() -> None:
    with pytest.raises(MastraError, match="must have either a 'content' property") as caught:
        on(Emulator()).save_messages(messages=[message("a", content=None)])

    assert (caught.value.id, caught.value.domain) == ("INVALID_MESSAGE_CONTENT", "AGENT")


def test_role_of_older_content_must_be_known() -> None:
    with pytest.raises(StorageError, match="BUG: add handling for message role signal"):
        through_message_list([message("a", role="signal", content="Text")])


# Changing


def test_update_merges_content_and_metadata() -> None:
    messages = on(Emulator())
    messages.save_messages(messages=[message("a", content=text("A", metadata={"a": {"x": 1}, "b": 1}))])

    updated = messages.update_messages(
        messages=[MessageUpdate(id="a", content={"content": "More", "metadata": {"a": {"y": 2}}})]
    )

    assert updated == [message("a", content=text("A", content="More", metadata={"a": {"y": 2}, "b": 1}))]
    assert messages.list_messages(thread_id="t").messages == updated


def test_update_replaces_the_other_fields() -> None:
    messages = filled(1)

    (updated,) = messages.update_messages(
        messages=[MessageUpdate(id="t.m0", thread_id="u", resource_id="s", role="assistant", type="text")]
    )

    assert (updated.thread_id, updated.resource_id, updated.role, updated.type) == ("u", "s", "assistant", "text")
    assert ids(messages.list_messages(thread_id="u")) == ["m0"]


def test_second_update_of_a_message_sees_the_first() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(1, deployment=recording)

    updates = [MessageUpdate(id="t.m0", content={"metadata": {name: 1}}) for name in "ab"]
    updated = messages.update_messages(messages=updates)

    assert [one.content["metadata"] for one in updated] == [{"even": True, "a": 1}, {"even": True, "a": 1, "b": 1}]
    assert recording.operations[2:] == ["loadMany", "insert", "insert", "patch"]


def test_update_leaves_unknown_ids_out_and_keeps_the_order() -> None:
    messages = filled(3)

    updates = [MessageUpdate(id=id, role="assistant") for id in ("t.m2", "absent", "t.m0")]

    assert ids(messages.update_messages(messages=updates)) == ["m2", "m0"]


def test_update_touches_old_and_new_thread() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(1, deployment=recording)
    recording.requests.clear()

    messages.update_messages(messages=[MessageUpdate(id="t.m0", thread_id="u")])

    assert [one["id"] for one in recording.arguments if one["op"] == "patch"] == ["t", "u"]


# mastra-adapter.md §0.2: the row goes back with its system fields, and a deployment takes them when they are unchanged.
def test_update_sends_the_whole_row_back() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(1, deployment=recording)

    messages.update_messages(messages=[MessageUpdate(id="t.m0", role="assistant")])

    (record,) = (one["record"] for one in recording.arguments if one["op"] == "insert")
    assert {"_id", "_creationTime", "id", "role"} <= set(record)


def test_update_with_a_null_resource_is_refused() -> None:
    messages = filled(1)

    with pytest.raises(FunctionError, match="resourceId"):
        messages.update_messages(messages=[MessageUpdate(id="t.m0", resource_id=None)])


def test_updating_nothing_sends_nothing() -> None:
    recording = RecordingDeployment(Emulator())

    assert on(recording).update_messages(messages=[]) == []
    assert recording.requests == []


def test_delete_ignores_missing_ids() -> None:
    messages = filled(3)

    messages.delete_messages(["t.m0", "absent", "t.m2"])
    messages.delete_messages([])

    assert ids(messages.list_messages(thread_id="t")) == ["m1"]


# Listing


def test_messages_by_id_are_ordered_by_time() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(12, deployment=recording)
    recording.requests.clear()

    found = messages.list_messages_by_id(message_ids=[f"t.m{index}" for index in (11, 3, *range(11))] + ["absent"])

    assert ids(found) == [f"m{index}" for index in range(12)]
    # Ten ids travel at once; the thirteen distinct ones need two requests.
    assert [len(one["ids"]) for one in recording.arguments] == [10, 3]


def test_no_ids_send_nothing() -> None:
    recording = RecordingDeployment(Emulator())

    assert on(recording).list_messages_by_id(message_ids=[]) == []
    assert recording.requests == []


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (None, ["m0", "m1", "m2"]),
        (NEWEST_FIRST, ["m2", "m1", "m0"]),
        (OrderBy(field="role", direction="UP"), ["m0", "m1", "m2"]),
    ],
)
def test_lists_are_ordered_by_time(order_by: OrderBy | None, expected: list[str]) -> None:
    assert ids(filled(3).list_messages(thread_id="t", order_by=order_by)) == expected


def test_messages_of_one_time_keep_their_order() -> None:
    messages = on(Emulator())
    messages.save_messages(messages=[message(id) for id in "bca"])

    assert ids(messages.list_messages(thread_id="t")) == ["b", "c", "a"]
    assert ids(messages.list_messages(thread_id="t", order_by=NEWEST_FIRST)) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("page", "per_page", "expected", "has_more"),
    [
        (0, 2, ["m0", "m1"], True),
        (1, 2, ["m2", "m3"], True),
        (2, 2, ["m4"], False),
        (3, 2, [], False),
        (0, 5, ["m0", "m1", "m2", "m3", "m4"], False),
        (2, False, ["m0", "m1", "m2", "m3", "m4"], False),
    ],
)
def test_lists_have_pages(page: int, per_page: Any, expected: list[str], has_more: bool) -> None:
    found = filled(5).list_messages(thread_id="t", page=page, per_page=per_page)

    assert (ids(found), found.total, found.page, found.has_more) == (expected, 5, page, has_more)
    assert found.per_page is per_page


def test_page_holds_forty_unless_said_otherwise() -> None:
    found = filled(41).list_messages(thread_id="t")

    assert (len(found.messages), found.per_page, found.total, found.has_more) == (40, 40, 41, True)


def test_empty_page_sends_nothing() -> None:
    recording = RecordingDeployment(Emulator())

    found = on(recording).list_messages(thread_id="t", per_page=0)

    assert found == MessagePage(messages=[], total=0, page=0, per_page=0, has_more=False)
    assert recording.requests == []


def test_several_threads_are_asked_for_one_by_one() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(2, deployment=recording)
    filled(2, thread_id="u", deployment=recording)
    recording.requests.clear()

    found = messages.list_messages(thread_id=["u", "t"])

    assert ids(found) == ["u.m0", "m0", "u.m1", "m1"]
    assert recording.operations == ["queryTable", "queryTable"]


@pytest.mark.parametrize(("resource_id", "count"), [(None, 2), ("", 2), ("r", 1), ("other", 0)])
def test_lists_are_of_a_resource(resource_id: str | None, count: int) -> None:
    messages = on(Emulator())
    messages.save_messages(messages=[message("a"), message("b", resource_id="s")])

    assert messages.list_messages(thread_id="t", resource_id=resource_id).total == count


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (MessageFilter(), ["m0", "m1", "m2", "m3"]),
        (MessageFilter(metadata={"even": True}), ["m0", "m2"]),
        (MessageFilter(metadata={"even": 1}), []),
        (MessageFilter(metadata={"absent": None}), []),
        (MessageFilter(date_range=DateRange(start=NOON + timedelta(minutes=1))), ["m1", "m2", "m3"]),
        (MessageFilter(date_range=DateRange(end="2026-01-02T12:01:00Z", end_exclusive=True)), ["m0"]),
        (MessageFilter(date_range=DateRange(end=NOON), metadata={"even": False}), []),
    ],
)
def test_lists_are_filtered(wanted: MessageFilter, expected: list[str]) -> None:
    messages = filled(4)

    found = messages.list_messages(thread_id="t", filter=wanted)
    of_resource = messages.list_messages_by_resource_id(resource_id="r", filter=wanted)

    assert (ids(found), found.total) == (expected, len(expected))
    assert (ids(of_resource), of_resource.total) == (expected, len(expected))


@pytest.mark.parametrize("thread_id", ["", " \ufeff", [], ["t", ""]])
def test_thread_ids_that_cannot_be_are_refused(thread_id: Any) -> None:
    with pytest.raises(
        MastraError, match="threadId must be a non-empty string or array of non-empty strings"
    ) as caught:
        on(Emulator()).list_messages(thread_id=thread_id)

    assert caught.value.id == "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_INVALID_THREAD_ID"
    assert caught.value.details == {"threadId": thread_id if isinstance(thread_id, str) else ",".join(thread_id)}


def test_filter_is_refused_before_the_thread() -> None:
    with pytest.raises(TypeError, match='Invalid metadata filter key "a-b"'):
        on(Emulator()).list_messages(thread_id="", filter=MessageFilter(metadata={"a-b": 1}))
    with pytest.raises(TypeError, match='Invalid metadata filter key "a-b"'):
        on(Emulator()).list_messages_by_resource_id(resource_id="r", page=-1, filter=MessageFilter(metadata={"a-b": 1}))


@pytest.mark.parametrize(
    ("page", "per_page", "reason"), [(-1, None, "page must be >= 0"), (0, -1, "perPage must be >= 0")]
)
def test_pages_that_cannot_be_are_refused(page: int, per_page: Any, reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        on(Emulator()).list_messages(thread_id="t", page=page, per_page=per_page)


# Included messages


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        (Include(id="t.m2"), ["m2"]),
        (Include(id="t.m2", with_previous_messages=1), ["m1", "m2"]),
        (Include(id="t.m2", with_next_messages=1), ["m2", "m3"]),
        (Include(id="t.m2", with_previous_messages=9, with_next_messages=9), ["m0", "m1", "m2", "m3", "m4"]),
        (Include(id="t.m2", thread_id="u"), ["m2"]),
        (Include(id="t.m2", with_previous_messages=-1, with_next_messages=-1), ["m2"]),
        (Include(id="absent", with_next_messages=1), []),
    ],
)
def test_included_messages_bring_their_neighbours(include: Include, expected: list[str]) -> None:
    found = filled(5).list_messages(thread_id="t", per_page=0, include=[include])

    assert (ids(found), found.total, found.has_more) == (expected, 0, False)


def test_included_messages_are_sorted_with_the_page() -> None:
    emulator = Emulator()
    messages = filled(5, deployment=emulator)
    filled(3, thread_id="u", deployment=emulator)

    found = messages.list_messages(
        thread_id="t",
        per_page=2,
        include=[Include(id="t.m4", with_previous_messages=1), Include(id="u.m1"), Include(id="t.m0")],
        order_by=NEWEST_FIRST,
    )

    assert ids(found) == ["m4", "m3", "u.m1", "m0"]
    assert (found.total, found.has_more) == (5, True)


# All of the thread is there by way of the included ones, so nothing is left to ask for.
def test_included_messages_count_for_has_more() -> None:
    messages = filled(3)
    include = [Include(id="t.m2", with_previous_messages=1)]

    assert not messages.list_messages(thread_id="t", per_page=1, include=include).has_more
    assert messages.list_messages(thread_id=["t"], per_page=1, include=include).has_more
    metadata = MessageFilter(metadata={"even": True})
    assert messages.list_messages(thread_id="t", per_page=1, include=include, filter=metadata).has_more


def test_threads_of_included_messages_are_read_once() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(3, deployment=recording)
    filled(3, thread_id="u", deployment=recording)
    recording.requests.clear()
    include = [Include(id="t.m1"), Include(id="u.m1"), Include(id="u.m2")]

    messages.list_messages(thread_id="t", include=include)

    assert [one["filters"][0] for one in recording.arguments] == [
        {"field": "thread_id", "value": "t"},
        {"field": "id", "value": "u.m1"},
        {"field": "thread_id", "value": "u"},
    ]


# What a filter left out may still be a neighbour: a filtered list says nothing about its thread.
def test_filtered_list_reads_the_thread_again() -> None:
    recording = RecordingDeployment(Emulator())
    messages = filled(3, deployment=recording)
    recording.requests.clear()

    found = messages.list_messages(
        thread_id="t",
        filter=MessageFilter(metadata={"even": True}),
        include=[Include(id="t.m0", with_next_messages=1)],
    )

    assert ids(found) == ["m0", "m1", "m2"]
    assert [one["filters"][0]["field"] for one in recording.arguments] == ["thread_id", "id", "thread_id"]


# Messages of a resource


@pytest.mark.parametrize(
    ("page", "per_page", "expected", "has_more"),
    [(0, 2, ["m0", "m1"], True), (1, 2, ["m2"], False), (0, 3, ["m0", "m1", "m2"], False), (0, 0, [], True)],
)
def test_messages_of_a_resource_have_pages(page: int, per_page: int, expected: list[str], has_more: bool) -> None:
    found = filled(3).list_messages_by_resource_id(resource_id="r", page=page, per_page=per_page)

    assert (ids(found), found.total, found.per_page, found.has_more) == (expected, 3, per_page, has_more)


def test_all_messages_of_a_resource() -> None:
    messages = filled(41)

    found = messages.list_messages_by_resource_id(resource_id="r", per_page=False)

    assert (len(found.messages), found.per_page, found.has_more) == (41, False, False)
    assert len(messages.list_messages_by_resource_id(resource_id="r").messages) == 40


# mastra-adapter.md §0.13: the newest page, but oldest first.
def test_newest_page_of_a_resource_is_oldest_first() -> None:
    found = filled(3).list_messages_by_resource_id(resource_id="r", per_page=2, order_by=NEWEST_FIRST)

    assert ids(found) == ["m1", "m2"]


@pytest.mark.parametrize(
    ("page", "per_page", "reason", "details"),
    [
        (-1, None, "page must be >= 0", {"page": -1}),
        (1, False, "page value too large", {"page": 1, "perPage": MAX_SAFE_INTEGER}),
        (2, MAX_SAFE_INTEGER // 4 + 1, "page value too large", {"page": 2, "perPage": MAX_SAFE_INTEGER // 4 + 1}),
    ],
)
def test_pages_of_a_resource_that_cannot_be(page: int, per_page: Any, reason: str, details: Any) -> None:
    with pytest.raises(MastraError, match=reason) as caught:
        on(Emulator()).list_messages_by_resource_id(resource_id="r", page=page, per_page=per_page)

    assert caught.value.id == "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_BY_RESOURCE_ID_INVALID_PAGE"
    assert caught.value.details == details


def test_largest_page_of_a_resource() -> None:
    found = on(Emulator()).list_messages_by_resource_id(resource_id="r", page=2, per_page=MAX_SAFE_INTEGER // 4)

    assert found.messages == []


# Messages of versions before format 2 stand as plain text in the column.
def test_stored_text_that_is_no_json_is_the_content() -> None:
    emulator = Emulator()
    record = {"id": "a", "thread_id": "t", "content": "Plain text", "role": "user", "type": "text", "resourceId": "r"}
    record["createdAt"] = "2026-01-02T12:00:00.000Z"
    emulator.mutation("mastra/storage:handle", {"op": "insert", "tableName": "mastra_messages", "record": record})

    (listed,) = on(emulator).list_messages(thread_id="t").messages
    (by_id,) = on(emulator).list_messages_by_id(message_ids=["a"])

    assert (listed.content, listed.type) == ("Plain text", "text")
    assert (json.dumps(by_id.content["parts"]), by_id.type) == ('[{"type": "text", "text": "Plain text"}]', None)

"""Lists of messages: order, pages, ranges of time, metadata, several threads, a resource's threads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from convex_mastra_emulator.stores import (
    ConvexMemory,
    ConvexStore,
    DateRange,
    MastraError,
    MessageFilter,
    OrderBy,
    StorageError,
)
from pytest_mastra_convex.conformance.records import after_noon, ids_of, message, text_content


@pytest.fixture
def memory(convex_store: ConvexStore) -> ConvexMemory:
    """The memory domain alone."""
    return convex_store.memory


def save(memory: ConvexMemory, count: int, thread_id: str = "thread-1") -> None:
    """Saves m00, m01 and so on, a minute apart."""
    memory.save_messages(messages=[message(f"m{n:02}", thread_id, minutes=n) for n in range(count)])


# Order


# A prompt is built from the list: saved in another order than they were said in.
@pytest.mark.parametrize(
    ("direction", "ids"),
    [(None, ["a", "b", "c"]), ("ASC", ["a", "b", "c"]), ("DESC", ["c", "b", "a"])],
    ids=["default", "ascending", "descending"],
)
def test_messages_come_in_the_order_they_were_said(memory: ConvexMemory, direction: str | None, ids: list[str]) -> None:
    memory.save_messages(messages=[message("b", minutes=2), message("c", minutes=3), message("a", minutes=1)])

    listed = memory.list_messages(thread_id="thread-1", order_by=OrderBy(direction=direction))

    assert ids_of(listed.messages) == ids


# A tool call and its answer may have one time: they stay in the order they were saved, in both directions.
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_messages_of_one_time_stay_in_the_order_of_creation(memory: ConvexMemory, direction: str) -> None:
    memory.save_messages(messages=[message("z"), message("a"), message("m")])

    listed = memory.list_messages(thread_id="thread-1", order_by=OrderBy(direction=direction))

    assert ids_of(listed.messages) == ["z", "a", "m"]


# Times differ by one millisecond, the smallest step there is.
def test_a_millisecond_decides(memory: ConvexMemory) -> None:
    later, earlier = after_noon(milliseconds=1), after_noon()
    memory.save_messages(messages=[message("later", created_at=later), message("earlier", created_at=earlier)])

    assert ids_of(memory.list_messages(thread_id="thread-1").messages) == ["earlier", "later"]


# Pages


# Five messages on pages of two, newest first, as a chat window scrolls back.
@pytest.mark.parametrize(
    ("page", "ids", "has_more"),
    [(0, ["m04", "m03"], True), (1, ["m02", "m01"], True), (2, ["m00"], False), (3, [], False)],
    ids=["first", "second", "last", "past"],
)
def test_messages_come_in_pages(memory: ConvexMemory, page: int, ids: list[str], has_more: bool) -> None:
    save(memory, 5)

    listed = memory.list_messages(thread_id="thread-1", page=page, per_page=2, order_by=OrderBy(direction="DESC"))

    assert ids_of(listed.messages) == ids
    assert (listed.total, listed.page, listed.per_page, listed.has_more) == (5, page, 2, has_more)


# 40 messages on a page unless asked for: the fortieth fits, one more does not.
@pytest.mark.parametrize(("count", "has_more"), [(40, False), (41, True)])
def test_a_page_holds_40_messages(memory: ConvexMemory, count: int, has_more: bool) -> None:
    save(memory, count)

    listed = memory.list_messages(thread_id="thread-1")

    assert (len(listed.messages), listed.total, listed.has_more) == (40, count, has_more)


# `perPage: false` gives all of them, also beyond the default of 40.
def test_no_pages_at_all(memory: ConvexMemory) -> None:
    save(memory, 41)

    listed = memory.list_messages(thread_id="thread-1", per_page=False)

    assert (len(listed.messages), listed.total) == (41, 41)
    assert (listed.per_page, listed.has_more) == (False, False)


# mastra-ai/mastra#16602: memory with lastMessages 0 asks for none; unlike for threads nothing is counted.
def test_a_page_of_none(memory: ConvexMemory) -> None:
    save(memory, 3)

    listed = memory.list_messages(thread_id="thread-1", per_page=0)

    assert (listed.messages, listed.total, listed.per_page, listed.has_more) == ([], 0, 0, False)


# Wrong sizes and pages are the caller's mistake.
@pytest.mark.parametrize(
    ("page", "per_page", "text"),
    [(0, -1, "perPage must be >= 0"), (-1, 10, "page must be >= 0")],
    ids=["negative-size", "negative-page"],
)
def test_wrong_pages_are_refused(memory: ConvexMemory, page: int, per_page: int, text: str) -> None:
    with pytest.raises(StorageError, match=text):
        memory.list_messages(thread_id="thread-1", page=page, per_page=per_page)


# Threads


# A blank id would list other people's messages in stores that filter by it; here it is refused in every place.
@pytest.mark.parametrize("thread_id", ["", " \t", [], ["thread-1", ""]], ids=["empty", "blank", "none", "one-of-two"])
def test_a_thread_must_be_named(memory: ConvexMemory, thread_id: Any) -> None:
    with pytest.raises(MastraError, match="threadId must be a non-empty string") as refused:
        memory.list_messages(thread_id=thread_id)

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_INVALID_THREAD_ID"


# Several threads are one list, sorted as a whole and cut into pages as a whole.
def test_messages_of_several_threads(memory: ConvexMemory) -> None:
    for minutes, thread_id in ((1, "thread-1"), (2, "thread-2"), (3, "thread-1"), (4, "thread-3")):
        memory.save_messages(messages=[message(f"m{minutes}", thread_id, minutes=minutes)])

    listed = memory.list_messages(thread_id=["thread-2", "thread-1"], per_page=2)

    assert (ids_of(listed.messages), listed.total, listed.has_more) == (["m1", "m2"], 3, True)


# A thread that several users write in: one user's messages only; the empty text filters nothing.
@pytest.mark.parametrize(
    ("resource_id", "ids"),
    [("ann", ["a"]), ("bob", ["b"]), ("cid", []), ("", ["a", "b"])],
    ids=["one", "other", "nobody", "empty"],
)
def test_messages_of_a_resource_in_a_thread(memory: ConvexMemory, resource_id: str, ids: list[str]) -> None:
    memory.save_messages(messages=[message("a", resource_id="ann"), message("b", resource_id="bob", minutes=1)])

    listed = memory.list_messages(thread_id="thread-1", resource_id=resource_id)

    assert (ids_of(listed.messages), listed.total) == (ids, len(ids))


# Ranges of time


# Both ends belong to the range unless excluded, to the millisecond: m01 and m03 are exactly at its ends.
@pytest.mark.parametrize(
    ("date_range", "ids"),
    [
        (DateRange(start=after_noon(1), end=after_noon(3)), ["m01", "m02", "m03"]),
        (DateRange(start=after_noon(1), end=after_noon(3), start_exclusive=True), ["m02", "m03"]),
        (DateRange(start=after_noon(1), end=after_noon(3), end_exclusive=True), ["m01", "m02"]),
        (DateRange(start=after_noon(1, milliseconds=1)), ["m02", "m03", "m04"]),
        (DateRange(end=after_noon(3, milliseconds=-1)), ["m00", "m01", "m02"]),
        (DateRange(start="2026-11-21T12:03:00.000Z"), ["m03", "m04"]),
        (DateRange(start="2026-11-21T13:03:00+01:00"), ["m03", "m04"]),
        (DateRange(), ["m00", "m01", "m02", "m03", "m04"]),
    ],
    ids=["both", "open-start", "open-end", "after-start", "before-end", "text", "zone", "none"],
)
def test_messages_of_a_range_of_time(memory: ConvexMemory, date_range: DateRange, ids: list[str]) -> None:
    save(memory, 5)

    listed = memory.list_messages(thread_id="thread-1", filter=MessageFilter(date_range=date_range))

    assert (ids_of(listed.messages), listed.total) == (ids, len(ids))


# The filter comes first, then the total, then the page: of five messages three match, on pages of two.
def test_filters_come_before_pages(memory: ConvexMemory) -> None:
    save(memory, 5)
    wanted = MessageFilter(date_range=DateRange(start=after_noon(2)))

    listed = memory.list_messages(thread_id="thread-1", page=1, per_page=2, filter=wanted)

    assert (ids_of(listed.messages), listed.total, listed.has_more) == (["m04"], 3, False)


# Metadata


# Compared strictly, and only at the top level of `content.metadata`; an empty filter filters nothing.
@pytest.mark.parametrize(
    ("metadata", "ids"),
    [
        ({"kind": 1}, ["number"]),
        ({"kind": "1"}, ["text"]),
        ({"kind": True}, ["boolean"]),
        ({"kind": None}, ["null"]),
        ({"kind": 1, "other": 2}, []),
        ({"nested": 1}, []),
    ],
    ids=["number", "text", "boolean", "null", "both", "nested"],
)
def test_messages_by_their_metadata(memory: ConvexMemory, metadata: dict[str, Any], ids: list[str]) -> None:
    kinds = {"number": 1, "text": "1", "boolean": True, "null": None, "object": {"nested": 1}}
    messages = [message(name, content=text_content("x", {"kind": kind})) for name, kind in kinds.items()]
    memory.save_messages(messages=[*messages, message("missing")])

    listed = memory.list_messages(thread_id="thread-1", filter=MessageFilter(metadata=metadata))

    assert (ids_of(listed.messages), listed.total) == (ids, len(ids))


# An empty filter is none.
def test_an_empty_metadata_filter_filters_nothing(memory: ConvexMemory) -> None:
    save(memory, 2)

    assert memory.list_messages(thread_id="thread-1", filter=MessageFilter(metadata={})).total == 2


# Refused before anything else is looked at, the missing thread included.
@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ("kind", "Metadata filter must be an object"),
        ({"a.b": 1}, "Invalid metadata filter key"),
        ({"__proto__": 1}, "Invalid metadata filter key"),
        ({"a": [1]}, "Invalid metadata filter value"),
        ({"a": math.nan}, "Invalid metadata filter value"),
    ],
    ids=["text", "dotted", "proto", "list", "nan"],
)
def test_wrong_metadata_filters_are_refused(memory: ConvexMemory, metadata: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        memory.list_messages(thread_id="", filter=MessageFilter(metadata=metadata))


# A resource's threads


# Recall across conversations: messages of all threads of one user, and of nobody else.
def test_messages_of_a_resource_across_threads(memory: ConvexMemory) -> None:
    for minutes, thread_id, resource_id in ((1, "t1", "ann"), (2, "t2", "bob"), (3, "t3", "ann")):
        memory.save_messages(messages=[message(f"m{minutes}", thread_id, minutes=minutes, resource_id=resource_id)])

    listed = memory.list_messages_by_resource_id(resource_id="ann")

    assert (ids_of(listed.messages), listed.total, listed.has_more) == (["m1", "m3"], 2, False)


# A quirk of 1.5.2: DESC picks the newest page, which is then returned oldest first.
@pytest.mark.parametrize(
    ("direction", "ids"), [("ASC", ["m00", "m01"]), ("DESC", ["m03", "m04"])], ids=["ascending", "descending"]
)
def test_a_resources_page_is_oldest_first(memory: ConvexMemory, direction: str, ids: list[str]) -> None:
    save(memory, 5)

    listed = memory.list_messages_by_resource_id(
        resource_id="resource-1", per_page=2, order_by=OrderBy(direction=direction)
    )

    assert (ids_of(listed.messages), listed.total, listed.has_more) == (ids, 5, True)


# The filters are the same as for a thread.
def test_a_resources_messages_of_a_range(memory: ConvexMemory) -> None:
    save(memory, 5)
    wanted = MessageFilter(date_range=DateRange(start=after_noon(1), end=after_noon(3), end_exclusive=True))

    listed = memory.list_messages_by_resource_id(resource_id="resource-1", filter=wanted)

    assert (ids_of(listed.messages), listed.total) == (["m01", "m02"], 2)


# Unlike for a thread a page of none counts, and says whether there is anything.
@pytest.mark.parametrize(("count", "has_more"), [(0, False), (2, True)])
def test_a_resources_page_of_none_still_counts(memory: ConvexMemory, count: int, has_more: bool) -> None:
    save(memory, count)

    listed = memory.list_messages_by_resource_id(resource_id="resource-1", per_page=0)

    assert (listed.messages, listed.total, listed.has_more) == ([], count, has_more)


# A second page of "all of them" lies behind the largest safe number.
@pytest.mark.parametrize(
    ("page", "per_page", "text"),
    [(-1, 10, "page must be >= 0"), (1, False, "page value too large")],
    ids=["negative", "page-of-all"],
)
def test_wrong_pages_of_a_resource_are_refused(memory: ConvexMemory, page: int, per_page: Any, text: str) -> None:
    with pytest.raises(MastraError, match=text) as refused:
        memory.list_messages_by_resource_id(resource_id="resource-1", page=page, per_page=per_page)

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_BY_RESOURCE_ID_INVALID_PAGE"

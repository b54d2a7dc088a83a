"""Lists of threads: order, pages, filters, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexMemory, ConvexStore, MastraError, OrderBy, ThreadFilter
from pytest_mastra_convex.conformance.records import after_noon, ids_of, send, thread

THREADS = "mastra_threads"


@pytest.fixture
def memory(convex_store: ConvexStore) -> ConvexMemory:
    """The memory domain alone."""
    return convex_store.memory


def save(memory: ConvexMemory, count: int) -> None:
    """Saves thread-0, thread-1 and so on, a minute apart."""
    for number in range(count):
        memory.save_thread(thread=thread(f"thread-{number}", minutes=number))


def save_rows(deployment: Deployment, count: int) -> None:
    """As :func:`save`, in one request."""
    records = [
        {
            "id": f"thread-{number}",
            "resourceId": "resource-1",
            "title": "",
            "createdAt": f"2026-11-21T12:{number // 60:02}:{number % 60:02}.000Z",
            "updatedAt": "2026-11-21T12:00:00.000Z",
        }
        for number in range(count)
    ]
    send(deployment, "batchInsert", THREADS, records=records)


# Order


# The list of conversations on a user's screen: saved in another order than they began in.
def test_threads_come_newest_first(memory: ConvexMemory) -> None:
    for minutes in (2, 3, 1):
        memory.save_thread(thread=thread(f"thread-{minutes}", minutes=minutes))

    assert ids_of(memory.list_threads().threads) == ["thread-3", "thread-2", "thread-1"]


# `createdAt` and `updatedAt` disagree here, so that taking the one for the other shows; what is unknown falls back.
@pytest.mark.parametrize(
    ("order_by", "ids"),
    [
        (OrderBy(field="createdAt", direction="ASC"), ["a", "b", "c"]),
        (OrderBy(field="updatedAt", direction="ASC"), ["c", "a", "b"]),
        (OrderBy(field="updatedAt", direction="DESC"), ["b", "a", "c"]),
        (OrderBy(field="title", direction="ASC"), ["a", "b", "c"]),
        (OrderBy(field="updatedAt", direction="sideways"), ["b", "a", "c"]),
    ],
    ids=["created-ascending", "updated-ascending", "updated-descending", "unknown-field", "unknown-direction"],
)
def test_threads_are_ordered_by_a_date(memory: ConvexMemory, order_by: OrderBy, ids: list[str]) -> None:
    for thread_id, created, updated in (("a", 1, 20), ("b", 2, 30), ("c", 3, 10)):
        memory.save_thread(thread=thread(thread_id, created_at=after_noon(created), updated_at=after_noon(updated)))

    assert ids_of(memory.list_threads(order_by=order_by).threads) == ids


# Sorts are stable in both directions: threads of one time stay as they were saved, whatever their ids.
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_threads_of_one_time_stay_in_the_order_of_creation(memory: ConvexMemory, direction: str) -> None:
    for thread_id in ("m", "z", "a"):
        memory.save_thread(thread=thread(thread_id))

    assert ids_of(memory.list_threads(order_by=OrderBy(direction=direction)).threads) == ["m", "z", "a"]


# Pages


# Five threads on pages of two: full, full, one, and nothing behind them.
@pytest.mark.parametrize(
    ("page", "ids", "has_more"),
    [
        (0, ["thread-4", "thread-3"], True),
        (1, ["thread-2", "thread-1"], True),
        (2, ["thread-0"], False),
        (3, [], False),
    ],
    ids=["first", "second", "last", "past"],
)
def test_threads_come_in_pages(memory: ConvexMemory, page: int, ids: list[str], has_more: bool) -> None:
    save(memory, 5)

    listed = memory.list_threads(page=page, per_page=2)

    assert ids_of(listed.threads) == ids
    assert (listed.total, listed.page, listed.per_page, listed.has_more) == (5, page, 2, has_more)


# A last page that is full must not promise another one.
def test_a_full_last_page_has_nothing_behind_it(memory: ConvexMemory) -> None:
    save(memory, 4)

    assert memory.list_threads(page=1, per_page=2).has_more is False


# 100 threads on a page unless asked for: the hundredth fits, one more does not.
@pytest.mark.parametrize(("count", "has_more"), [(100, False), (101, True)])
def test_a_page_holds_100_threads(convex_deployment: Deployment, count: int, has_more: bool) -> None:
    save_rows(convex_deployment, count)

    listed = ConvexStore(convex_deployment).memory.list_threads()

    assert len(listed.threads) == 100
    assert (listed.total, listed.per_page, listed.has_more) == (count, 100, has_more)


# mastra-ai/mastra#16602: `perPage: 0` counts without reading out, and says whether there is anything.
@pytest.mark.parametrize(("count", "has_more"), [(0, False), (1, True)])
def test_a_page_of_none_still_counts(memory: ConvexMemory, count: int, has_more: bool) -> None:
    save(memory, count)

    listed = memory.list_threads(per_page=0)

    assert (listed.threads, listed.total, listed.has_more) == ([], count, has_more)


# `perPage: false` is "all of them", also beyond the default of 100, and is echoed.
def test_no_pages_at_all(convex_deployment: Deployment) -> None:
    save_rows(convex_deployment, 101)

    listed = ConvexStore(convex_deployment).memory.list_threads(per_page=False)

    assert len(listed.threads) == 101
    assert (listed.per_page, listed.has_more) == (False, False)


# Wrong pages are the caller's mistake, told by id and text.
@pytest.mark.parametrize(
    ("page", "per_page", "text"),
    [
        (-1, 10, "page must be >= 0"),
        (0, -1, "perPage must be >= 0"),
        (0, 1.5, "perPage must be false or a safe integer"),
        (0, 2**53, "perPage must be false or a safe integer"),
        (1, False, "page must be 0 when perPage is false"),
        (2**53 - 1, 2, "page value too large"),
    ],
    ids=["negative-page", "negative-size", "fraction", "unsafe-size", "page-of-all", "too-far"],
)
def test_wrong_pages_are_refused(memory: ConvexMemory, page: int, per_page: Any, text: str) -> None:
    with pytest.raises(MastraError, match=text) as refused:
        memory.list_threads(page=page, per_page=per_page)

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_PAGE"


# Filters


# Conversations of one user; the empty text is "nobody in particular", so it filters nothing.
@pytest.mark.parametrize(
    ("resource_id", "ids"),
    [("resource-1", ["a"]), ("resource-2", ["b"]), ("resource-3", []), ("", ["b", "a"])],
    ids=["one", "other", "nobody", "empty"],
)
def test_threads_of_a_resource(memory: ConvexMemory, resource_id: str, ids: list[str]) -> None:
    memory.save_thread(thread=thread("a", "resource-1", minutes=1))
    memory.save_thread(thread=thread("b", "resource-2", minutes=2))

    listed = memory.list_threads(filter=ThreadFilter(resource_id=resource_id))

    assert (ids_of(listed.threads), listed.total) == (ids, len(ids))


# Strict equality as in JavaScript: true is not 1, "1" is not 1, and a missing key is not null.
@pytest.mark.parametrize(
    ("metadata", "ids"),
    [
        ({"kind": 1}, ["number"]),
        ({"kind": "1"}, ["text"]),
        ({"kind": True}, ["boolean"]),
        ({"kind": None}, ["null"]),
        ({"kind": 1, "also": "x"}, ["number"]),
        ({"kind": 1, "also": "y"}, []),
        ({"kind": {"a": 1}}, []),
    ],
    ids=["number", "text", "boolean", "null", "both", "one-of-both", "object"],
)
def test_threads_by_their_metadata(memory: ConvexMemory, metadata: dict[str, Any], ids: list[str]) -> None:
    kinds = {"number": 1, "text": "1", "boolean": True, "null": None, "object": {"a": 1}}
    for name, kind in kinds.items():
        memory.save_thread(thread=thread(name, metadata={"kind": kind, "also": "x"}))
    memory.save_thread(thread=thread("missing"))

    listed = memory.list_threads(filter=ThreadFilter(metadata=metadata))

    assert (ids_of(listed.threads), listed.total) == (ids, len(ids))


# The total counts what matches, and pages are cut from that: three of six match, on pages of two.
def test_filters_come_before_pages(memory: ConvexMemory) -> None:
    for number in range(6):
        memory.save_thread(thread=thread(f"thread-{number}", minutes=number, metadata={"odd": number % 2 == 1}))

    listed = memory.list_threads(page=1, per_page=2, filter=ThreadFilter(metadata={"odd": True}))

    assert (ids_of(listed.threads), listed.total, listed.has_more) == (["thread-1"], 3, False)


# Metadata that older versions stored as malformed text match no filter, and break nothing.
def test_malformed_metadata_match_nothing(convex_deployment: Deployment, memory: ConvexMemory) -> None:
    times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}
    record = {"id": "bad", "resourceId": "resource-1", "title": "", "metadata": "{a", **times}
    send(convex_deployment, "insert", THREADS, record=record)
    memory.save_thread(thread=thread("good", metadata={"a": 1}))

    listed = memory.list_threads(filter=ThreadFilter(metadata={"a": 1}))

    assert ids_of(listed.threads) == ["good"]
    assert memory.list_threads().total == 2


# Keys of filters become parts of queries in other stores, so core refuses all but plain names.
@pytest.mark.parametrize(
    "key",
    ["1st", "a-b", "a.b", "", "$where", "__proto__", "constructor", "a" * 129],
    ids=["digit", "dash", "dot", "empty", "dollar", "proto", "constructor", "too-long"],
)
def test_odd_keys_of_metadata_are_refused(memory: ConvexMemory, key: str) -> None:
    with pytest.raises(MastraError, match=r"[Mm]etadata key") as refused:
        memory.list_threads(filter=ThreadFilter(metadata={key: 1}))

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_METADATA_KEY"


# The longest key there may be, one less than what is refused above, still finds its thread.
def test_keys_of_128_characters_are_allowed(memory: ConvexMemory) -> None:
    key = "a" * 128
    memory.save_thread(thread=thread("thread-1", metadata={key: 1}))

    assert memory.list_threads(filter=ThreadFilter(metadata={key: 1})).total == 1

"""Messages that a list adds to its page, with their neighbours: what semantic recall is made of."""

from __future__ import annotations

import pytest

from convex_mastra_emulator.stores import ConvexMemory, ConvexStore, DateRange, Include, MessageFilter, OrderBy
from pytest_mastra_convex.conformance.records import after_noon, ids_of, message


@pytest.fixture
def memory(convex_store: ConvexStore) -> ConvexMemory:
    """The memory domain with six messages in a thread (a0 to a5) and three in another (b0 to b2)."""
    memory = convex_store.memory
    memory.save_messages(messages=[message(f"a{n}", "thread-a", minutes=n) for n in range(6)])
    memory.save_messages(messages=[message(f"b{n}", "thread-b", minutes=10 + n) for n in range(3)])
    return memory


# Neighbours are counted from the message and end where the thread does.
@pytest.mark.parametrize(
    ("include", "ids"),
    [
        (Include(id="a3"), ["a3"]),
        (Include(id="a3", with_previous_messages=1), ["a2", "a3"]),
        (Include(id="a3", with_next_messages=2), ["a3", "a4", "a5"]),
        (Include(id="a0", with_previous_messages=2, with_next_messages=1), ["a0", "a1"]),
        (Include(id="a5", with_previous_messages=1, with_next_messages=9), ["a4", "a5"]),
    ],
    ids=["alone", "before", "after", "at-the-start", "at-the-end"],
)
def test_a_message_comes_with_its_neighbours(memory: ConvexMemory, include: Include, ids: list[str]) -> None:
    listed = memory.list_messages(thread_id="thread-a", per_page=0, include=[include])

    assert (ids_of(listed.messages), listed.total, listed.has_more) == (ids, 0, False)


# Recall reaches into other threads of the user: the neighbours are those of the message's own thread.
def test_a_message_of_another_thread_brings_its_own_neighbours(memory: ConvexMemory) -> None:
    wanted = Include(id="b1", thread_id="thread-a", with_previous_messages=1, with_next_messages=1)

    listed = memory.list_messages(thread_id="thread-a", per_page=2, include=[wanted])

    assert ids_of(listed.messages) == ["a0", "a1", "b0", "b1", "b2"]
    assert listed.total == 6


# A vector store may know messages that were deleted.
def test_an_unknown_message_adds_nothing(memory: ConvexMemory) -> None:
    listed = memory.list_messages(thread_id="thread-a", per_page=1, include=[Include(id="gone")])

    assert ids_of(listed.messages) == ["a0"]


# Two hits close to each other share neighbours, and the page may hold them already: each message once.
def test_no_message_comes_twice(memory: ConvexMemory) -> None:
    wanted = [
        Include(id="a1", with_next_messages=2),
        Include(id="a2", with_previous_messages=2, with_next_messages=1),
    ]

    listed = memory.list_messages(thread_id="thread-a", per_page=2, include=wanted)

    assert ids_of(listed.messages) == ["a0", "a1", "a2", "a3"]


# What is added takes its place in the order asked for, not at the end of the page.
def test_included_messages_are_sorted_in(memory: ConvexMemory) -> None:
    listed = memory.list_messages(
        thread_id="thread-a", per_page=2, order_by=OrderBy(direction="DESC"), include=[Include(id="a0")]
    )

    assert ids_of(listed.messages) == ["a5", "a4", "a0"]


# Neighbours are context: the filter chooses what is on the page, not what stands around a hit.
def test_neighbours_are_not_filtered(memory: ConvexMemory) -> None:
    listed = memory.list_messages(
        thread_id="thread-a",
        filter=MessageFilter(date_range=DateRange(start=after_noon(5))),
        include=[Include(id="a1", with_previous_messages=1)],
    )

    assert (ids_of(listed.messages), listed.total) == (["a0", "a1", "a5"], 1)


# mastra-ai/mastra#19576: page and included messages may hold the whole thread, and then nothing is left.
@pytest.mark.parametrize(("previous", "has_more"), [(2, True), (3, False)], ids=["one-is-missing", "all-are-there"])
def test_more_is_what_neither_page_nor_include_holds(memory: ConvexMemory, previous: int, has_more: bool) -> None:
    wanted = Include(id="a5", with_previous_messages=previous)

    listed = memory.list_messages(thread_id="thread-a", per_page=2, include=[wanted])

    assert (listed.total, listed.has_more) == (6, has_more)


# Messages of other threads do not count for that: three of them, and three of the six are still missing.
def test_messages_of_other_threads_do_not_fill_the_page(memory: ConvexMemory) -> None:
    wanted = Include(id="b0", with_next_messages=2)

    listed = memory.list_messages(thread_id="thread-a", per_page=3, include=[wanted])

    assert (len(listed.messages), listed.has_more) == (6, True)


# A quirk of 1.5.2: with a list of threads no message counts as theirs, so there is always more.
def test_with_a_list_of_threads_there_is_always_more(memory: ConvexMemory) -> None:
    listed = memory.list_messages(thread_id=["thread-a"], per_page=False, include=[Include(id="a0")])

    assert (len(listed.messages), listed.total, listed.has_more) == (6, 6, True)

"""Live queries: a result at once, and another one whenever what the query has read changes, and only then.

The client is PyPI `ConvexClient`, whose iterators also yield for every message of the deployment that changes nothing;
writes that must not be noticed therefore come from elsewhere (convex-wire.md §0.10, §3.5).
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.client import GuardedClient
from pytest_mastra_convex.conformance.live_queries import Watcher
from pytest_mastra_convex.conformance.things import THINGS, store_keys
from pytest_mastra_convex.probe import (
    Probe,
    delete,
    eq,
    field,
    get,
    insert,
    patch,
    query,
    replace,
    run_mutation,
    run_query,
    throw,
)

SECONDS = 15
COUNT = query(THINGS, count=True)
KEYS = query(THINGS, select=["key"])


def with_key(key: str) -> Any:
    """Counts the things with a key, through the index."""
    return query(THINGS, index="by_key", range=[eq("key", key)], count=True)


# Results


# A screen shows what is there at once, then every change.
def test_a_subscription_begins_with_the_present_and_follows(watcher: Watcher, probe: Probe) -> None:
    store_keys(probe, "a")
    live = watcher.subscribe(KEYS)

    seen = [live.next()]
    for key in ("b", "c"):
        probe.insert(THINGS, {"key": key})
        seen.append(live.next())

    assert [[row["key"] for row in rows] for rows in seen] == [["a"], ["a", "b"], ["a", "b", "c"]]


# An empty result is a result: the screen must not wait for it.
def test_an_empty_result_comes_at_once(watcher: Watcher) -> None:
    assert watcher.subscribe(KEYS).next() == []


# Every kind of write of a document that was read.
@pytest.mark.parametrize(
    ("write", "expected"),
    [
        pytest.param(lambda identifier: patch(identifier, {"key": "b"}), [{"key": "b"}], id="patch"),
        pytest.param(lambda identifier: replace(identifier, {"key": "c"}), [{"key": "c"}], id="replace"),
        pytest.param(delete, [], id="delete"),
    ],
)
def test_a_write_of_what_was_read_gives_a_result(watcher: Watcher, probe: Probe, write: Any, expected: Any) -> None:
    [identifier] = store_keys(probe, "a")
    live = watcher.subscribe(KEYS)
    first = live.next()

    probe.mutation(write(identifier))

    assert (first, live.next()) == ([{"key": "a"}], expected)


# `get` watches one document, also one that is gone.
def test_a_document_is_watched_by_its_id(watcher: Watcher, probe: Probe) -> None:
    [identifier] = store_keys(probe, "a")
    live = watcher.subscribe(get(identifier))
    seen = [live.next()]

    probe.patch(identifier, {"key": "b"})
    seen.append(live.next())
    probe.delete(identifier)
    seen.append(live.next())

    assert [row and row["key"] for row in seen] == ["a", "b", None]


# Several writes of one mutation are one change: nobody sees half of them.
def test_one_mutation_gives_one_result(watcher: Watcher, probe: Probe) -> None:
    live = watcher.subscribe(COUNT)
    seen = [live.next()]

    probe.mutation(*(insert(THINGS, {"key": key}) for key in "abc"))
    seen.append(live.next())

    assert seen == [0, 3]


# A query that calls others is watched with what they have read.
def test_reads_of_called_queries_are_watched(watcher: Watcher, probe: Probe) -> None:
    live = watcher.subscribe(run_query(COUNT))
    live.next()

    store_keys(probe, "a")

    assert live.next() == [{"value": 1}]


# Writes of actions arrive, too.
def test_a_mutation_of_an_action_gives_a_result(watcher: Watcher, probe: Probe) -> None:
    live = watcher.subscribe(COUNT)
    live.next()

    probe.action(run_mutation(insert(THINGS, {"key": "a"})))

    assert live.next() == 1


# mastra-ai/mastra#16761 wants agent runs as live queries: results of megabytes.
def test_a_large_result_arrives_whole(watcher: Watcher, probe: Probe) -> None:
    probe.mutation(*(insert(THINGS, {"text": "€" * 200_000}) for _ in range(5)))

    rows = watcher.subscribe(query(THINGS, select=["text"])).next()

    assert [row["text"] == "€" * 200_000 for row in rows] == [True] * 5


# No result


# What was not read does not matter: each change elsewhere would run every query of every screen again.
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda kept: insert(THINGS, {"key": "other"}), id="insert-outside-the-range"),
        pytest.param(lambda kept: insert("conformance_typed", {"name": "n"}), id="insert-into-another-table"),
        pytest.param(lambda kept: patch(kept, {"a": 1.0}), id="patch-outside-the-range"),
        pytest.param(delete, id="delete-outside-the-range"),
        pytest.param(lambda kept: get(kept), id="no-write"),
    ],
)
def test_a_write_of_something_else_gives_no_result(watcher: Watcher, probe: Probe, write: Any) -> None:
    [kept] = store_keys(probe, "kept")
    live = watcher.subscribe(with_key("a"))
    first = live.next()

    probe.mutation(write(kept))
    store_keys(probe, "a")

    assert (first, live.next()) == (0, 1)


# What a failed mutation would have written was never there.
def test_a_failed_mutation_gives_no_result(watcher: Watcher, probe: Probe) -> None:
    live = watcher.subscribe(COUNT)
    first = live.next()

    with pytest.raises(Exception, match="stop"):
        probe.mutation(insert(THINGS, {"key": "a"}), throw("stop"))
    store_keys(probe, "b", "c")

    assert (first, live.next()) == (0, 2)


# A row that is changed so that it comes into the range, or leaves it, does matter.
def test_a_row_that_moves_into_the_range_gives_a_result(watcher: Watcher, probe: Probe) -> None:
    [identifier] = store_keys(probe, "other")
    live = watcher.subscribe(with_key("a"))
    seen = [live.next()]

    for key in ("a", "other"):
        probe.patch(identifier, {"key": key})
        seen.append(live.next())

    assert seen == [0, 1, 0]


# A filter reads all it looks at, and the result may change with any of it.
def test_a_filtered_query_follows_its_matches(watcher: Watcher, probe: Probe) -> None:
    live = watcher.subscribe(query(THINGS, filter=eq(field("key"), "a"), count=True))
    seen = [live.next()]

    store_keys(probe, "a")
    seen.append(live.next())

    assert seen == [0, 1]


# The client's own writes


# A form is sent and the list is read: what the mutation wrote is there when it has returned.
def test_the_effect_of_a_mutation_is_seen_when_it_has_returned(watcher: Watcher) -> None:
    live = watcher.subscribe(COUNT)
    seen = [live.next()]

    for _ in range(3):
        watcher.mutation(insert(THINGS, {}))
        seen.append(live.next())

    assert seen == [0, 1, 2, 3]


def test_a_query_after_a_mutation_sees_it(watcher: Watcher) -> None:
    watcher.mutation(insert(THINGS, {"key": "a"}))

    assert watcher.query(COUNT) == [1]


# Several clients of one user, or of several: each sees the others' writes.
def test_another_clients_mutation_gives_a_result(watcher: Watcher, convex_url: str) -> None:
    other = Watcher(GuardedClient(convex_url, seconds=SECONDS))
    live = watcher.subscribe(COUNT)
    live.next()

    other.mutation(insert(THINGS, {}))

    assert live.next() == 1

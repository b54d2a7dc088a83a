"""Several live queries of one client, their errors, their end, and who may have which."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from pytest_mastra_convex.client import GuardedClient
from pytest_mastra_convex.conformance.live_queries import PROBE, LiveProgram, Watcher, arguments, value_in
from pytest_mastra_convex.conformance.things import THINGS, store_keys
from pytest_mastra_convex.probe import Probe, delete, eq, insert, query, throw, throw_convex, uncaught

COUNT = query(THINGS, count=True)
ONLY_ONE = uncaught(query(THINGS, unique=True, select=["key"]))


def with_key(key: str) -> Any:
    """Counts the things with a key, through the index."""
    return query(THINGS, index="by_key", range=[eq("key", key)], count=True)


# Errors


# A query that fails is watched like any other: once the data is mended, the screen recovers by itself.
def test_a_failed_query_recovers(watcher: Watcher, probe: Probe) -> None:
    [first] = store_keys(probe, "a")
    live = watcher.subscribe(ONLY_ONE)
    before = live.next()

    [second] = store_keys(probe, "b")
    with pytest.raises(Exception, match=r"(?i)unique"):
        live.next()
    probe.delete(first)

    assert second != first
    assert (before, live.next()) == ({"key": "a"}, {"key": "b"})


# It may fail from the start.
def test_a_query_that_fails_at_first_recovers(watcher: Watcher, probe: Probe) -> None:
    first, _ = store_keys(probe, "a", "b")
    live = watcher.subscribe(ONLY_ONE)
    with pytest.raises(Exception, match=r"(?i)unique"):
        live.next()

    probe.delete(first)

    assert live.next() == {"key": "b"}


# An ordinary error has its text and no data: PyPI convex raises it as a plain Exception.
def test_an_error_arrives_with_its_text(watcher: Watcher) -> None:
    live = watcher.subscribe(throw("out of luck"))

    with pytest.raises(Exception, match=r"Server Error\nUncaught Error: out of luck") as caught:
        live.next()

    assert not isinstance(caught.value, ConvexError)


# Data of an application's error, of any type; null is data.
@pytest.mark.parametrize(
    "data",
    [
        pytest.param("sold out", id="text"),
        pytest.param({"code": ConvexInt64(409), "raw": b"\x00"}, id="object"),
        pytest.param(None, id="null"),
    ],
)
def test_a_convex_error_brings_its_data(watcher: Watcher, data: Any) -> None:
    live = watcher.subscribe(throw_convex(data))

    with pytest.raises(ConvexError) as caught:
        live.next()

    assert caught.value.data == data


# Over the socket mutations and actions fail with the same texts and data.
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_a_call_fails_with_text_or_data(watcher: Watcher, kind: str) -> None:
    call = getattr(watcher, kind)

    with pytest.raises(Exception, match=r"Server Error\nUncaught Error: out of luck"):
        call(throw("out of luck"))
    with pytest.raises(ConvexError) as caught:
        call(throw_convex({"code": 4.0}))

    assert caught.value.data == {"code": 4.0}


# A mutation that failed leaves the client as good as new, and its live queries alone.
def test_after_a_failed_mutation_the_client_goes_on(watcher: Watcher) -> None:
    live = watcher.subscribe(COUNT)
    seen = [live.next()]
    with pytest.raises(ConvexError):
        watcher.mutation(insert(THINGS, {}), throw_convex("stop"))

    watcher.mutation(insert(THINGS, {}))
    seen.append(live.change())

    assert seen == [0, 1]


# A function that is missing or faulty arguments: an error of the live query, not of the connection.
@pytest.mark.parametrize(
    ("path", "args", "text"),
    [
        pytest.param(f"{PROBE}:nothing", {}, "Could not find public function for", id="missing"),
        pytest.param(f"{PROBE}:mutation", arguments(), "but it is defined as Mutation", id="another-kind"),
        pytest.param(f"{PROBE}:query", {}, "ArgumentValidationError", id="arguments"),
    ],
)
def test_a_query_that_cannot_run_fails(watcher: Watcher, path: str, args: Any, text: str) -> None:
    failing = watcher.client.subscribe(path, args)
    with pytest.raises(Exception, match=text):
        next(failing)

    assert watcher.subscribe(COUNT).next() == 0


# Several


# Each part of a screen has a query of its own.
def test_two_queries_follow_apart(watcher: Watcher, probe: Probe) -> None:
    a, b = watcher.subscribe(with_key("a")), watcher.subscribe(with_key("b"))
    seen = [a.next(), b.next()]

    store_keys(probe, "a")
    seen.append(a.change())
    store_keys(probe, "b", "b")
    seen.append(b.change())

    assert seen == [0, 0, 1, 2]


# Two parts of a screen ask the same: both are told.
def test_two_subscriptions_to_one_query_are_both_told(watcher: Watcher, probe: Probe) -> None:
    lives = [watcher.subscribe(COUNT) for _ in range(2)]
    before = [live.next() for live in lives]

    store_keys(probe, "a")

    assert (before, [live.change() for live in lives]) == ([0, 0], [1, 1])


# A board of many queries on one row: one write tells all of them.
def test_many_queries_are_told_of_one_write(watcher: Watcher, probe: Probe) -> None:
    lives = [watcher.subscribe(COUNT, with_key(f"k{number}")) for number in range(20)]
    before = [live.next() for live in lives]

    store_keys(probe, "a")

    assert (before, [live.change() for live in lives]) == ([0] * 20, [1] * 20)


# All results that are shown together are of one time: a total never disagrees with its parts.
def test_results_of_all_queries_are_of_one_time(watcher: Watcher, probe: Probe) -> None:
    total, part = watcher.subscribe(COUNT), watcher.subscribe(with_key("a"))
    items = iter(watcher.client.watch_all())
    seen: list[tuple[Any, Any]] = []

    for size in range(4):
        if size:
            store_keys(probe, "a")
        while not seen or seen[-1] != (size, size):
            item: Any = next(items)
            seen.append((value_in(item, total), value_in(item, part)))

    complete = [pair for pair in seen if None not in pair]
    assert [pair for pair in complete if pair[0] != pair[1]] == []
    assert [pair for pair in complete if pair[0] == 3] == [(3, 3)]


# End


# A part of the screen is closed: the other one goes on.
def test_after_unsubscribing_the_others_go_on(watcher: Watcher, probe: Probe) -> None:
    closed, kept = watcher.subscribe(with_key("a")), watcher.subscribe(COUNT)
    seen = [closed.next(), kept.next()]

    closed.subscription.unsubscribe()
    store_keys(probe, "a")
    seen.append(kept.change())

    assert seen == [0, 0, 1]


# Of two subscriptions to one query the other one lives on.
def test_unsubscribing_one_of_two_keeps_the_other(watcher: Watcher, probe: Probe) -> None:
    closed, kept = watcher.subscribe(COUNT), watcher.subscribe(COUNT)
    seen = [closed.next(), kept.next()]

    closed.subscription.unsubscribe()
    store_keys(probe, "a")
    seen.append(kept.change())

    assert seen == [0, 0, 1]


# Opened again it begins with the present, not with what it last showed.
def test_a_query_that_is_subscribed_to_again_is_up_to_date(watcher: Watcher, probe: Probe) -> None:
    live = watcher.subscribe(COUNT)
    seen = [live.next()]
    live.subscription.unsubscribe()

    store_keys(probe, "a", "b")
    seen.append(watcher.subscribe(COUNT).next())

    assert seen == [0, 2]


# Pages


# An infinite list keeps what it shows: a row that is born inside a page joins it, and none is pushed out.
def test_a_live_page_keeps_its_end(watcher: Watcher, probe: Probe) -> None:
    store_keys(probe, "a", "c", "e")
    page = query(THINGS, index="by_key", select=["key"], paginate={"numItems": 2, "cursor": None})
    live = watcher.subscribe(page)
    seen = [[row["key"] for row in live.next()["page"]]]

    store_keys(probe, "b")
    seen.append([row["key"] for row in live.next()["page"]])

    assert seen == [["a", "c"], ["a", "b", "c"]]


# Behind its end it has read nothing: rows that come there belong to the next page.
def test_a_row_behind_a_live_page_gives_no_result(watcher: Watcher, probe: Probe) -> None:
    first, *_ = store_keys(probe, "a", "c", "e")
    page = query(THINGS, index="by_key", select=["key"], paginate={"numItems": 2, "cursor": None})
    live = watcher.subscribe(page)
    live.next()

    store_keys(probe, "d")
    probe.mutation(delete(first))

    assert [row["key"] for row in live.next()["page"]] == ["c"]


# Who


# Internal functions are no more to be had over the socket than elsewhere.
def test_internal_functions_are_hidden_from_others(watcher: Watcher, convex_url: str) -> None:
    anybody = Watcher(GuardedClient(convex_url, seconds=15))
    refused = LiveProgram(anybody.client.subscribe(f"{PROBE}:internalQuery", arguments(COUNT)))
    allowed = LiveProgram(watcher.client.subscribe(f"{PROBE}:internalQuery", arguments(COUNT)))

    with pytest.raises(Exception, match="Server Error"):
        refused.next()
    assert allowed.next() == 0
    assert anybody.subscribe(COUNT).next() == 0

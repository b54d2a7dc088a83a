"""Calls at the same time: transactions are as if they had run one after the other.

A deployment runs them side by side and refuses, after some retries, one that lost too often (get-convex/convex-js#170);
whoever is refused tries again, as users must.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from convex_mastra_emulator import EmulatorError
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore
from pytest_mastra_convex.conformance.records import message, thread
from pytest_mastra_convex.conformance.things import THINGS, keys_of, store, store_keys
from pytest_mastra_convex.probe import (
    Probe,
    delete,
    get,
    insert,
    now,
    parallel,
    patch,
    query,
    ref,
    run_mutation,
    run_query,
    throw,
)

Result = TypeVar("Result")

THREADS = 8
ROUNDS = 10
TOTAL = THREADS * ROUNDS
_TRIES_MAX = 100
_LOST = "OptimisticConcurrencyControlFailure"
COUNT = query(THINGS, count=True)
# Whoever reads the same number as another has not seen what the other wrote.
TAKE_A_NUMBER = (COUNT, insert(THINGS, {"key": ref(0)}))


def persistently(call: Callable[[], Result]) -> Result:
    """Tries again while the deployment says that others were faster."""
    for _ in range(_TRIES_MAX):
        try:
            return call()
        except RequestRefused as refusal:
            if refusal.code != _LOST:
                raise
    raise AssertionError(f"lost {_TRIES_MAX} times")


def at_once(*works: Callable[[], Result]) -> list[Result]:
    """Runs all in threads of their own that begin together; gives what each returned."""
    barrier = threading.Barrier(len(works))

    def begin(work: Callable[[], Result]) -> Result:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def rounds(call: Callable[[], Result], number: int = ROUNDS) -> Callable[[], list[Result]]:
    """Repeats a call."""
    return lambda: [persistently(call) for _ in range(number)]


def flat(lists: list[list[Result]]) -> list[Result]:
    """The items of all."""
    return [item for each in lists for item in each]


@pytest.fixture
def probe(probe: Probe) -> Probe:
    """The probe, awake: on a deployment that is shared, the first call waits for others."""
    probe.query()
    return probe


# No update is lost


# Rate limits count with this: 8 threads, and each number is given once.
def test_increments_from_many_threads_are_all_counted(convex_server_cache: ConvexServerCache) -> None:
    counts = at_once(*[rounds(lambda: convex_server_cache.increment("visits"))] * THREADS)

    assert sorted(flat(counts)) == list(range(1, TOTAL + 1))
    assert convex_server_cache.increment("visits") == TOTAL + 1


# Each counter for itself: many at once do not mix.
def test_increments_of_many_keys_do_not_mix(convex_server_cache: ConvexServerCache) -> None:
    def work(name: str) -> Callable[[], list[int]]:
        return rounds(lambda: convex_server_cache.increment(name))

    counts = at_once(*(work(f"counter-{number}") for number in range(THREADS)))

    assert counts == [list(range(1, ROUNDS + 1))] * THREADS


# A list that many append to loses nothing, and keeps the order of each of them.
def test_pushes_from_many_threads_all_arrive(convex_server_cache: ConvexServerCache) -> None:
    def work(name: int) -> Callable[[], None]:
        def push(number: int) -> None:
            persistently(lambda: convex_server_cache.list_push("log", [name, number]))

        def push_all() -> None:
            for number in range(ROUNDS):
                push(number)

        return push_all

    at_once(*(work(name) for name in range(THREADS)))

    items = convex_server_cache.list_from_to("log", 0)
    assert [[n for who, n in items if who == name] for name in range(THREADS)] == [list(range(ROUNDS))] * THREADS


# mastra-ai/mastra#17298: read, then write by what was read.  No two may have read the same.
def test_writes_by_what_was_read_never_collide(probe: Probe) -> None:
    at_once(*[rounds(lambda: probe.mutation(*TAKE_A_NUMBER))] * THREADS)

    assert sorted(keys_of(probe.collect(THINGS))) == list(range(TOTAL))


# The same inside actions, whose mutations are transactions of their own.
def test_mutations_of_actions_never_collide(probe: Probe) -> None:
    at_once(*[rounds(lambda: probe.action(run_mutation(*TAKE_A_NUMBER))[0].value, 5)] * THREADS)

    keys = sorted(keys_of(probe.collect(THINGS)))
    assert keys == list(range(len(keys)))
    assert len(keys) == 5 * THREADS


# mastra-ai/mastra#16638: steps of a workflow end at the same time; every result is kept.
def test_step_results_that_arrive_at_once_are_all_kept(convex_store: ConvexStore) -> None:
    workflows, run = convex_store.workflows, {"workflow_name": "trip", "run_id": "run-1"}
    begun = {"status": "running", "context": {"input": {}}}
    workflows.persist_workflow_snapshot(workflow_name="trip", run_id="run-1", snapshot=begun)

    def work(name: str) -> Callable[[], Any]:
        result = {"status": "success", "output": name}
        return lambda: persistently(
            lambda: workflows.update_workflow_results(**run, step_id=name, result=result, request_context={name: 1})
        )

    names = [f"step-{number}" for number in range(THREADS)]
    at_once(*map(work, names))

    snapshot: Any = workflows.load_workflow_snapshot(**run)
    assert sorted(snapshot["context"]) == ["input", *names]
    assert snapshot["requestContext"] == dict.fromkeys(names, 1)


# Two writers of one row


# Swapping twice, or eighty times, leaves the same two values: nobody writes what he has read before another's write.
def test_swaps_of_two_rows_keep_both_values(probe: Probe) -> None:
    first, second = store_keys(probe, "left", "right")
    swap = (get(first), get(second), patch(first, {"key": ref(1, "key")}), patch(second, {"key": ref(0, "key")}))

    at_once(*[rounds(lambda: probe.mutation(*swap))] * THREADS)

    assert keys_of(probe.collect(THINGS)) == ["left", "right"]


# Two threads, each with a field of its own: a patch merges, so both survive.
def test_patches_of_different_fields_both_survive(probe: Probe) -> None:
    [identifier] = store(probe, {"a": 0.0, "b": 0.0})

    def work(name: str) -> Callable[[], None]:
        def write(number: float) -> None:
            persistently(lambda: probe.patch(identifier, {name: number}))

        def write_all() -> None:
            for number in range(1, 21):
                write(float(number))

        return write_all

    at_once(work("a"), work("b"))

    row = probe.get(identifier)
    assert row is not None
    assert (row["a"], row["b"]) == (20, 20)


# A job that may be taken once: of eight that delete its row, one succeeds.
def test_a_row_can_be_deleted_once(probe: Probe) -> None:
    [identifier] = store_keys(probe, "job")

    def take() -> bool:
        return persistently(lambda: probe.mutation(delete(identifier))[0]).error is None

    assert sorted(at_once(*[take] * THREADS)) == [False] * (THREADS - 1) + [True]


# One thread is made by two requests at once: an upsert by id leaves one row.
def test_threads_that_are_saved_at_once_are_one_row(convex_store: ConvexStore) -> None:
    memory = convex_store.memory

    at_once(*[lambda: persistently(lambda: memory.save_thread(thread=thread("thread-1")))] * THREADS)

    assert memory.list_threads().total == 1


# Messages of one thread that are saved at once are all there.
def test_messages_that_are_saved_at_once_are_all_there(convex_store: ConvexStore) -> None:
    memory = convex_store.memory
    memory.save_thread(thread=thread("thread-1"))

    def work(name: int) -> Callable[[], Any]:
        messages = [message(f"message-{name}-{number}") for number in range(5)]
        return lambda: persistently(lambda: memory.save_messages(messages=messages))

    at_once(*map(work, range(THREADS)))

    assert memory.list_messages(thread_id="thread-1", per_page=False).total == 5 * THREADS


# Readers


# Money is moved between rows while others look: nobody sees it in both, or in none.
def test_readers_see_whole_transactions_only(probe: Probe) -> None:
    first, second = store(probe, {"key": 0.0}, {"key": 0.0})
    is_done = threading.Event()

    def move_to(number: float) -> None:
        persistently(lambda: probe.mutation(patch(first, {"key": number}), patch(second, {"key": number})))

    def write() -> list[Any]:
        try:
            for number in range(1, 31):
                move_to(float(number))
        finally:
            is_done.set()
        return []

    def read() -> list[Any]:
        seen = []
        while not is_done.is_set():
            seen.append([step.value["key"] for step in probe.query(get(first), get(second))])
        return [*seen, [step.value["key"] for step in probe.query(get(first), get(second))]]

    seen = flat(at_once(write, read, read))

    assert [pair for pair in seen if pair[0] != pair[1]] == []
    assert seen[-1] == [30, 30]


# A batch appears at once: the number of rows is a multiple of its size, by every way of counting.
def test_readers_see_whole_batches_only(probe: Probe) -> None:
    is_done = threading.Event()

    def write() -> list[Any]:
        try:
            rounds(lambda: probe.mutation(insert(THINGS, {"key": "k"}, times=10)))()
        finally:
            is_done.set()
        return []

    def read() -> list[Any]:
        seen = []
        while not is_done.is_set():
            seen.append([step.value for step in probe.query(COUNT, now(), COUNT)])
        return seen

    seen = flat(at_once(write, read, read))

    assert [counts for counts in seen if counts[0] % 10 or counts[0] != counts[2]] == []
    assert probe.count(THINGS) == 10 * ROUNDS


# What a mutation wrote is there for the next call of the same caller, whatever others do meanwhile.
def test_each_thread_reads_its_own_writes(probe: Probe) -> None:
    def write_and_read() -> bool:
        identifier = persistently(lambda: probe.insert(THINGS, {}))
        return probe.get(identifier) is not None

    assert flat(at_once(*[rounds(write_and_read)] * THREADS)) == [True] * TOTAL


# Failing mutations beside good ones leave nothing, and harm nobody.
def test_failures_beside_others_leave_nothing(probe: Probe) -> None:
    def fail() -> None:
        with pytest.raises(EmulatorError, match="stop"):
            probe.mutation(insert(THINGS, {"key": "bad"}), throw("stop"))

    def succeed() -> None:
        persistently(lambda: probe.insert(THINGS, {"key": "good"}))

    at_once(*[rounds(fail), rounds(succeed)] * 4)

    assert keys_of(probe.collect(THINGS)) == ["good"] * 4 * ROUNDS


# Order


# Messages are sorted by creation time: what one caller wrote later must come later, beside all the others.
def test_creation_times_keep_the_order_of_each_thread(probe: Probe) -> None:
    identifiers = at_once(*[rounds(lambda: probe.insert(THINGS, {}))] * THREADS)

    place = {row["_id"]: number for number, row in enumerate(probe.collect(THINGS))}
    assert [[place[each] for each in mine] for mine in identifiers] == [
        sorted(place[each] for each in mine) for mine in identifiers
    ]


# Ids are never given twice.
def test_ids_from_many_threads_are_different(probe: Probe) -> None:
    batches = at_once(*[rounds(lambda: [step.value for step in probe.mutation(*[insert(THINGS, {})] * 5)])] * THREADS)

    assert len(set(flat(flat(batches)))) == 5 * TOTAL


# Side by side in one call


# `Promise.all` in an action: each mutation is a transaction, and they still run as if in a row.
def test_mutations_side_by_side_in_an_action_never_collide(probe: Probe) -> None:
    results = probe.action(parallel(*[run_mutation(*TAKE_A_NUMBER)] * THREADS))[0].value

    assert [result.error for result in results] == [None] * THREADS
    assert sorted(keys_of(probe.collect(THINGS))) == list(range(THREADS))


# In a mutation they share its transaction, and see what those before them wrote.
def test_mutations_side_by_side_in_a_mutation_never_collide(probe: Probe) -> None:
    probe.mutation(parallel(*[run_mutation(*TAKE_A_NUMBER)] * THREADS))

    assert sorted(keys_of(probe.collect(THINGS))) == list(range(THREADS))


# Reads side by side answer in the order in which they were asked, all from one snapshot.
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_reads_side_by_side_answer_in_their_order(probe: Probe, kind: str) -> None:
    identifiers = store_keys(probe, *(f"k{number}" for number in range(THREADS)))

    results = getattr(probe, kind)(parallel(*map(get, identifiers), COUNT))[0].value

    assert [result.value["key"] for result in results[:-1]] == [f"k{number}" for number in range(THREADS)]
    assert results[-1].value == THREADS


# Queries side by side in an action are calls of their own, each of which sees all that is committed.
def test_queries_side_by_side_in_an_action_all_answer(probe: Probe) -> None:
    store_keys(probe, "a", "b")

    results = probe.action(parallel(*[run_query(COUNT)] * THREADS))[0].value

    assert [result.value[0].value for result in results] == [2] * THREADS

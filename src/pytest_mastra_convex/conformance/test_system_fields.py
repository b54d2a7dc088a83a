"""`_id` and `_creationTime`: what every document has beside its own fields, and the order the second one gives.

convex-backend crates/common/src/document.rs (``CreationTime``), crates/database/src/transaction.rs.  What writes may
say about them is in `test_writes.py` and `test_write_errors.py`.
"""

from __future__ import annotations

from itertools import pairwise

from pytest_mastra_convex.conformance.things import THINGS, names_of, store
from pytest_mastra_convex.probe import (
    Probe,
    counter,
    delete,
    eq,
    get,
    gt,
    insert,
    lte,
    now,
    patch,
    ref,
    replace,
    run_mutation,
    throw,
)

TYPED = "conformance_typed"

MINUTE_MS = 60_000


def creation_times(probe: Probe, table: str = THINGS) -> list[float]:
    """Of all documents, in the order of the table."""
    return [row["_creationTime"] for row in probe.collect(table, select=["_creationTime"])]


def test_every_document_has_both_fields(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {}), insert(TYPED, {"name": "a"}))

    assert set(probe.collect(THINGS)[0]) == {"_id", "_creationTime"}
    assert set(probe.collect(TYPED)[0]) == {"_id", "_creationTime", "name"}


# Dates of threads are read out of it: milliseconds since 1970, near the time the function itself sees.
def test_creation_time_is_about_now(probe: Probe) -> None:
    stored, seen = probe.mutation(insert(THINGS, {}), now())

    [created] = creation_times(probe)

    assert type(created) is float
    assert abs(created - seen.value) < MINUTE_MS
    assert stored.value


# The document is complete at once, for the mutation that made it.
def test_mutation_sees_the_creation_time_that_is_stored(probe: Probe) -> None:
    answers = probe.mutation(insert(THINGS, {}), get(ref(0)))

    assert probe.get(answers[0].value) == answers[1].value


# A message and its answer are often saved in one mutation: equal times would leave their order to chance.
def test_creation_times_rise_within_one_mutation(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"number": counter()}, times=300))

    times = creation_times(probe)

    assert len(times) == 300
    assert all(earlier < later for earlier, later in pairwise(times))


# Over tables, too: the time belongs to the mutation, not to the table.
def test_creation_times_rise_over_tables(probe: Probe) -> None:
    answers = probe.mutation(
        insert(THINGS, {}),
        insert(TYPED, {"name": "a"}),
        insert(THINGS, {}),
        *[get(ref(step)) for step in range(3)],
    )

    first, second, third = (answer.value["_creationTime"] for answer in answers[3:])

    assert first < second < third


# A mutation that calls another goes on where that one stopped.
def test_creation_times_rise_through_called_mutations(probe: Probe) -> None:
    probe.mutation(
        insert(THINGS, {"name": "before"}),
        run_mutation(insert(THINGS, {"name": "inside"})),
        insert(THINGS, {"name": "after"}),
    )

    found = probe.collect(THINGS)

    assert names_of(found) == ["before", "inside", "after"]
    assert found[0]["_creationTime"] < found[1]["_creationTime"] < found[2]["_creationTime"]


# The clock may stand still between two calls: the later mutation still comes later.
def test_creation_times_rise_from_call_to_call(probe: Probe) -> None:
    for number in range(20):
        probe.insert(THINGS, {"number": number})

    times = creation_times(probe)

    assert all(earlier < later for earlier, later in pairwise(times))


# What failed leaves no trace, and the ones after it still come later.
def test_creation_times_rise_past_a_failed_mutation(probe: Probe) -> None:
    answers = probe.mutation(
        insert(THINGS, {"name": "before"}),
        run_mutation(insert(THINGS, {"name": "lost"}), throw("undo")),
        insert(THINGS, {"name": "after"}),
    )

    assert answers[1].error is not None
    assert names_of(probe.collect(THINGS)) == ["before", "after"]


def test_creation_times_rise_past_a_refused_document(probe: Probe) -> None:
    answers = probe.mutation(
        insert(THINGS, {"name": "before"}), insert(THINGS, {"$bad": 1.0}), insert(THINGS, {"name": "after"})
    )

    first, second = creation_times(probe)
    assert answers[1].error is not None
    assert first < second


# Without an index a table is read in the order of creation, whatever stands in the documents.
def test_table_is_read_in_order_of_creation(probe: Probe) -> None:
    store(probe, {"name": "c"}, {"name": "a"})
    store(probe, {"name": "b"})

    assert names_of(probe.collect(THINGS)) == ["c", "a", "b"]
    assert names_of(probe.collect(THINGS, order="desc")) == ["b", "a", "c"]


# An edited message stays where it was in its conversation.
def test_patch_keeps_the_place_in_the_table(probe: Probe) -> None:
    first, *_ = store(probe, {"name": "a"}, {"name": "b"}, {"name": "c"})

    probe.mutation(patch(first, {"name": "edited"}))

    assert names_of(probe.collect(THINGS)) == ["edited", "b", "c"]


def test_replace_keeps_the_place_in_the_table(probe: Probe) -> None:
    _, second, _ = store(probe, {"name": "a"}, {"name": "b"}, {"name": "c"})
    before = creation_times(probe)

    probe.mutation(replace(second, {"name": "other"}))

    assert names_of(probe.collect(THINGS)) == ["a", "other", "c"]
    assert creation_times(probe) == before


# One that was deleted and stored again is a new document: it goes to the end, under a new id.
def test_document_stored_again_comes_last(probe: Probe) -> None:
    first, second = store(probe, {"name": "a"}, {"name": "b"})

    answers = probe.mutation(delete(first), insert(THINGS, {"name": "a"}))

    assert names_of(probe.collect(THINGS)) == ["b", "a"]
    assert answers[1].value not in (first, second)


# "What is new since": the time of one document as a bound, to the last bit of its fraction.
def test_creation_time_is_a_bound_that_leaves_its_own_document_out(probe: Probe) -> None:
    store(probe, {"name": "a"}, {"name": "b"}, {"name": "c"})
    _, middle, _ = creation_times(probe)

    newer = probe.collect(THINGS, index="by_creation_time", range=[gt("_creationTime", middle)])
    older = probe.collect(THINGS, index="by_creation_time", range=[lte("_creationTime", middle)])

    assert (names_of(older), names_of(newer)) == (["a", "b"], ["c"])


# Every index ends with it, so a range can go on after its own fields.
def test_creation_time_bounds_an_index_behind_its_fields(probe: Probe) -> None:
    store(probe, {"key": "x", "name": "a"}, {"key": "y", "name": "b"}, {"key": "x", "name": "c"})
    first, *_ = creation_times(probe)

    found = probe.collect(THINGS, index="by_key", range=[eq("key", "x"), gt("_creationTime", first)])

    assert names_of(found) == ["c"]


# Two milliseconds are thousands of representable numbers: a bound rounded to whole ones would find too much.
def test_creation_time_is_equal_to_itself_only(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"number": counter()}, times=10))
    times = creation_times(probe)

    for number, created in enumerate(times):
        found = probe.collect(THINGS, index="by_creation_time", range=[eq("_creationTime", created)])
        assert [row["number"] for row in found] == [float(number)]

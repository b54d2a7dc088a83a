"""`Probe`: programs in one call, single steps as methods."""

from __future__ import annotations

import pytest

from convex_mastra_emulator import ConvexInt64, Emulator, connect, undefined
from pytest_mastra_convex.probe import (
    Probe,
    StepFailed,
    eq,
    field,
    insert,
    query,
    repeat,
    run_mutation,
    run_query,
    throw_convex,
)

THINGS = "conformance_things"
VECTORS = "conformance_loose_vectors"


def test_documents_one_by_one(probe: Probe) -> None:
    thing = probe.insert(THINGS, {"a": ConvexInt64(1), "b": 2})

    probe.patch(thing, {"b": undefined, "c": True})

    patched = probe.get(thing)
    assert patched is not None
    assert {name: patched[name] for name in patched if not name.startswith("_")} == {"a": ConvexInt64(1), "c": True}
    probe.replace(thing, {"d": b"\x01"})
    assert probe.collect(THINGS, select=["d", "a"]) == [{"d": b"\x01"}]
    probe.delete(thing)
    assert probe.get(thing) is None


def test_queries(probe: Probe) -> None:
    probe.mutation(*(insert(THINGS, {"key": number % 2, "a": number}) for number in range(4)))

    found = probe.collect(THINGS, index="by_key", range=[eq("key", 1)], select=["a"])

    assert found == [{"a": 1.0}, {"a": 3.0}]
    assert probe.take(THINGS, 1, order="desc", select=["a"]) == [{"a": 3.0}]
    assert probe.first(THINGS, select=["a"]) == {"a": 0.0}
    assert probe.first(THINGS, filter=eq(field("a"), 9)) is None
    assert probe.unique(THINGS, filter=eq(field("a"), 2), select=["key"]) == {"key": 0.0}
    assert probe.count(THINGS) == 4


def test_pages(probe: Probe) -> None:
    probe.mutation(*(insert(THINGS, {"a": number}) for number in range(3)))

    first = probe.paginate(THINGS, {"numItems": 2, "cursor": None}, select=["a"])
    second = probe.paginate(THINGS, {"numItems": 2, "cursor": first["continueCursor"]}, select=["a"])

    assert first["page"] == [{"a": 0.0}, {"a": 1.0}]
    assert not first["isDone"]
    assert second["page"] == [{"a": 2.0}]
    assert second["isDone"]


def test_vector_search(probe: Probe) -> None:
    thing = probe.insert(VECTORS, {"embedding": [0, 1], "group": None})

    found = probe.vector_search(VECTORS, "by_embedding", [0, 2], limit=5, filter=eq("group", None))

    assert found == [{"_id": thing, "_score": 1.0}]


def test_a_failed_step_raises_when_it_is_looked_at(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="Unable to decode ID") as failure:
        probe.get("nothing")

    assert failure.value.data is undefined


def test_the_data_of_a_convex_error(probe: Probe) -> None:
    [result] = probe.mutation(run_mutation(throw_convex({"code": b"\x01"})))

    assert result.data == {"code": b"\x01"}
    with pytest.raises(StepFailed) as failure:
        _ = result.value
    assert failure.value.data == {"code": b"\x01"}


# The number of documents in an answer is not bound by the length of a list in a document.
def test_long_answers(probe: Probe) -> None:
    for _ in range(2):
        probe.mutation(insert(THINGS, {}, times=5000))

    [result] = probe.query(query(THINGS, select=["a"]))

    assert result.value == [{}] * 10_000


def test_nothing_to_do(probe: Probe) -> None:
    assert probe.query() == []
    assert probe.query(run_query())[0].value == []


def test_clear_empties_the_tables_in_several_calls(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {}, times=2001), insert(VECTORS, {}))

    assert probe.clear() == 2002
    assert probe.count(THINGS) == 0
    assert probe.count(VECTORS) == 0


# All at once they are more than a transaction may read.
def test_clear_takes_large_documents(probe: Probe) -> None:
    for _ in range(2):
        probe.mutation(insert(THINGS, {"text": repeat("0123456789", 100_000)}, times=10))

    assert probe.clear() == 20


def test_about(probe: Probe) -> None:
    assert probe.about() == {"isTest": False, "probe": 1.0}


# What a suite looks at before it empties somebody's tables.
def test_a_deployment_of_tests_says_so(emulator: Emulator, probe: Probe) -> None:
    emulator.env["IS_TEST"] = "1"

    assert probe.about()["isTest"]


# Through the protocol numbers and texts are the same as in process.
def test_a_served_emulator(emulator: Emulator, probe: Probe) -> None:
    with emulator.serve() as served, connect(served.url, served.admin_key) as deployment:
        results = Probe(deployment).mutation(insert(THINGS, {"a": 1}), query(THINGS, select=["a"]), query("_x"))

    assert results[1].value == [{"a": 1.0}]
    assert results[2] == probe.query(query("_x"))[0]

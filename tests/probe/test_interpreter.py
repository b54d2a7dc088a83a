"""What programs do, on the emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from convex_mastra_emulator import ConvexError, Emulator, FunctionError, undefined
from pytest_mastra_convex.probe import (
    Probe,
    and_,
    call_query,
    counter,
    counter_text,
    delete,
    div,
    eq,
    field,
    fields,
    get,
    gt,
    insert,
    literal,
    log,
    lt,
    mod,
    neg,
    nested,
    normalize_id,
    not_,
    now,
    or_,
    outer,
    parallel,
    patch,
    query,
    ref,
    repeat,
    repeat_list,
    replace,
    run_action,
    run_mutation,
    run_query,
    throw,
    throw_convex,
    uncaught,
    vector_search,
)

THINGS = "conformance_things"
VECTORS = "conformance_loose_vectors"


def names_of(probe: Probe, **options: Any) -> list[Any]:
    """The field `a` of the things that a query finds."""
    return [thing["a"] for thing in probe.collect(THINGS, **options)]


# An error is caught as by try and catch around the one step: what came before it stays.
def test_an_error_leaves_the_other_steps_alone(probe: Probe) -> None:
    first, failed, last = probe.mutation(insert(THINGS, {"a": 1}), get("nothing"), insert(THINGS, {"a": 2}))

    assert "Unable to decode ID" in str(failed.error)
    assert first.error is None
    assert last.error is None
    assert names_of(probe) == [1.0, 2.0]


def test_uncaught_lets_an_error_undo_the_mutation(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="Unable to decode ID"):
        probe.mutation(insert(THINGS, {"a": 1}), uncaught(get("nothing")))

    assert names_of(probe) == []


def test_throw_ends_the_mutation(probe: Probe) -> None:
    with pytest.raises(FunctionError) as failure:
        probe.mutation(insert(THINGS, {"a": 1}), throw("enough"))

    assert failure.value.message == "Uncaught Error: enough"
    assert names_of(probe) == []


def test_throw_convex_carries_its_data(probe: Probe) -> None:
    with pytest.raises(ConvexError) as failure:
        probe.query(throw_convex({"code": 7}))

    assert failure.value.data == {"code": 7.0}


# What a test got wrong must not look like what a deployment refuses.
@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"op": "upsert"}, "unknown step upsert"),
        ({}, "unknown step None"),
        (5, "unknown step None"),
        ({"op": "insert", "table": THINGS}, "insert needs value"),
        ({"op": "query", "table": THINGS, "range": []}, "a range needs an index"),
        ({"op": "query", "table": THINGS, "index": "by_key", "range": [{"op": "near"}]}, "unknown bound near"),
        ({"op": "query", "table": THINGS, "search": {}}, "a search needs index"),
        ({"op": "query", "table": THINGS, "search": {"index": "by_body", "text": "a"}}, "a search needs field"),
        ({"op": "query", "table": THINGS, "search": {}, "index": "by_key"}, "a search has an index of its own"),
        (query(THINGS, take=1, first=True), "a query ends in one way, not in take and first"),
        ({"op": "query", "table": THINGS, "filter": {"op": "xor"}}, "unknown filter expression xor"),
        ({"op": "now", "level": "log"}, "now takes no level"),
        (get(ref(0)), "a reference must be the number of an earlier step"),
        ({"op": "log", "level": "loud", "values": []}, "unknown level loud"),
        ({"op": "runQuery"}, "runQuery needs path or program"),
        (vector_search(VECTORS, "by_embedding", [1, 0]), "vectorSearch is nothing for a mutation"),
        ({"op": "insert", "table": THINGS, "value": {"$nested": -1}}, "a form needs a whole number"),
    ],
)
def test_a_malformed_step_ends_the_function(probe: Probe, step: Any, text: str) -> None:
    with pytest.raises(FunctionError) as failure:
        probe.mutation(step)

    assert failure.value.message == f"Uncaught Error: probe: {text}"


def test_a_malformed_step_of_a_nested_program_ends_both(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="probe: unknown step upsert"):
        probe.mutation(run_mutation(run_query({"op": "upsert"})))


@pytest.mark.parametrize(("program", "text"), [("[", "is no JSON text"), ("{}", "must be a list of steps")])
def test_a_program_that_is_none(emulator: Emulator, program: str, text: str) -> None:
    with pytest.raises(FunctionError, match=f"probe: the program {text}"):
        emulator.query("conformance/probe:query", {"program": program})


def test_queries_cannot_write(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="probe: insert is nothing for a query"):
        probe.query(insert(THINGS, {}))


def test_actions_have_no_database(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="probe: get is nothing for a action"):
        probe.action(get("id"))


def test_writes(probe: Probe) -> None:
    steps = [insert(THINGS, {"a": number, "b": 1}) for number in range(3)]
    results = probe.mutation(*steps, patch(ref(0), {"b": undefined}), replace(ref(1), {"a": 9}), delete(ref(2)))

    assert [result.error for result in results] == [None] * 6
    assert probe.query(query(THINGS, select=["a", "b"]))[0].value == [{"a": 0.0}, {"a": 9.0}]


# The table's name is checked only in this form.
def test_calls_with_the_name_of_the_table(probe: Probe) -> None:
    thing, found, refused = probe.mutation(
        insert(THINGS, {"a": 1}), get(ref(0), table=THINGS), patch(ref(0), {"a": 2}, table=VECTORS)
    )

    assert found.value["_id"] == thing.value
    assert refused.error is not None


def test_normalize_id(probe: Probe) -> None:
    thing, same, other = probe.mutation(insert(THINGS, {}), normalize_id(THINGS, ref(0)), normalize_id(VECTORS, ref(0)))

    assert same.value == thing.value
    assert other.value is None


def test_a_step_runs_several_times(probe: Probe) -> None:
    [last] = probe.mutation(insert(THINGS, {"a": counter_text("t-"), "number": counter()}, times=3))

    assert names_of(probe) == ["t-0", "t-1", "t-2"]
    assert probe.get(last.value) is not None
    assert probe.collect(THINGS)[2]["number"] == 2.0


def test_repetitions_end_with_the_first_error(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"a": 1}), {**delete(ref(0)), "times": 3}, insert(THINGS, {"a": 2}))

    assert names_of(probe) == [2.0]


def test_values_nobody_wants_to_write_out(probe: Probe) -> None:
    value = {"text": repeat("ab", 3), "list": repeat_list([None], 2), "nested": nested(3), "object": fields(2)}

    _, found = probe.mutation(insert(THINGS, value), get(ref(0)))

    assert {name: found.value[name] for name in value} == {
        "text": "ababab",
        "list": [[None], [None]],
        "nested": [[[]]],
        "object": {"f0": None, "f1": None},
    }


# Names of forms are names of fields, too, and it is for the deployment to refuse them.
def test_a_field_named_like_a_form(probe: Probe) -> None:
    [refused] = probe.mutation(insert(THINGS, {"$ref": 0}))

    assert refused.error == "Field name $ref starts with a '$', which is reserved."


def test_references_into_answers(probe: Probe) -> None:
    results = probe.mutation(
        insert(THINGS, {"a": {"b": [1, b"\x01"]}}), query(THINGS), insert(THINGS, {"a": ref(1, 0, "a", "b", 1)})
    )

    assert [result.error for result in results] == [None] * 3
    assert names_of(probe)[1] == b"\x01"


def test_a_reference_to_a_failed_step_fails(probe: Probe) -> None:
    _, result = probe.mutation(get("nothing"), get(ref(0)))

    assert result.error == "step 0 failed, so it gave no value"


def test_index_ranges(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"a": 1, "b": counter()}, times=5), insert(THINGS, {"b": 1}))

    found = probe.collect(THINGS, index="by_a_b", range=[eq("a", 1), gt("b", 1), lt("b", 4)], order="desc")

    assert [thing["b"] for thing in found] == [3.0, 2.0]
    assert probe.count(THINGS, index="by_a_b", range=[eq("a", undefined)]) == 1


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (and_(gt(field("a"), 0), not_(eq(field("a"), 2))), [1.0, 3.0]),
        (or_(eq(field("a"), 0), eq(field("b"), literal("x"))), [0.0, 1.0]),
        (eq(field("b"), undefined), [0.0, 2.0, 3.0]),
        (eq(mod(field("a"), 2), 1), [1.0, 3.0]),
        (eq(neg(div(field("a"), 2)), -1.5), [3.0]),
        ([gt(field("a"), 0), lt(field("a"), 2)], [1.0]),
    ],
)
def test_filters(probe: Probe, condition: Any, expected: list[float]) -> None:
    rows = [{"a": 0}, {"a": 1, "b": "x"}, {"a": 2}, {"a": 3}]
    probe.mutation(*(insert(THINGS, row) for row in rows))

    assert names_of(probe, filter=condition) == expected


def test_the_ends_of_queries(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"a": counter()}, times=3))

    taken, none, first, count, read, unique = probe.query(
        query(THINGS, take=2, select=["a"]),
        query(THINGS, take=0),
        query(THINGS, first=True, select=["a"], order="desc"),
        query(THINGS, count=True),
        query(THINGS, read=1, select=["a"]),
        query(THINGS, unique=True),
    )

    assert taken.value == [{"a": 0.0}, {"a": 1.0}]
    assert none.value == []
    assert first.value == {"a": 2.0}
    assert count.value == 3.0
    assert read.value == [{"a": 0.0}]
    assert "unique() query returned more than one result" in str(unique.error)


# Only what was read is counted: this is how reading less than everything can be told apart.
def test_read_stops_reading(emulator: Emulator, probe: Probe) -> None:
    probe.mutation(insert(THINGS, {}, times=3))

    probe.query(query(THINGS, read=2))

    assert emulator.usage.documents_read == 2


def test_now_is_the_clock(emulator: Emulator, probe: Probe) -> None:
    [result] = probe.query(now())

    assert result.value == emulator.clock.now_ns() // 1_000_000


def test_log(emulator: Emulator, probe: Probe) -> None:
    with pytest.raises(FunctionError) as failure:
        probe.query(log("a", 1), log(None, level="warn"), throw("x"))

    assert failure.value.log_lines == ("[LOG] 'a' 1", "[WARN] null")


def test_nested_programs(probe: Probe) -> None:
    probe.insert(THINGS, {"a": b"\x01"})

    _, found = probe.mutation(query(THINGS, first=True), run_query(get(outer(0, "_id")), get(ref(0, "_id")), get("x")))

    same, again, failed = found.value
    assert same.value["a"] == b"\x01"
    assert again.value == same.value
    assert "Unable to decode ID" in str(failed.error)


# `outer` speaks of the program right around it, not of those around that.
def test_outer_in_a_program_in_a_program(probe: Probe) -> None:
    _, result = probe.action(
        now(), run_action(run_mutation(insert(THINGS, {"a": 5})), run_query(get(outer(0, 0, "value"))))
    )

    assert result.value[1].value[0].value["a"] == 5.0


# A nested mutation is a transaction inside the other.
def test_a_nested_mutation_that_fails_undoes_its_own_writes(probe: Probe) -> None:
    _, failed, _ = probe.mutation(
        insert(THINGS, {"a": 1}), run_mutation(insert(THINGS, {"a": 2}), throw_convex("no")), insert(THINGS, {"a": 3})
    )

    assert failed.data == "no"
    assert names_of(probe) == [1.0, 3.0]


def test_internal_functions_are_called_from_inside(probe: Probe) -> None:
    results = probe.action(
        run_query(now(), internal=True), run_mutation(now(), internal=True), run_action(now(), internal=True)
    )

    assert [result.error for result in results] == [None] * 3


def test_any_function_can_be_called(probe: Probe) -> None:
    about, missing = probe.query(call_query("conformance/probe:about"), call_query("no/such:function", {"a": 1}))

    assert about.value["probe"] == 1.0
    assert "no/such" in str(missing.error)


def test_parallel_steps_answer_one_by_one(probe: Probe) -> None:
    _, result = probe.mutation(insert(THINGS, {"a": 1}), parallel(get(ref(0)), get("x"), query(THINGS, count=True)))

    first, failed, count = result.value
    assert first.value["a"] == 1.0
    assert failed.error is not None
    assert count.value == 1.0


def test_vector_search(probe: Probe) -> None:
    rows = [{"embedding": [1, 0], "group": "a"}, {"embedding": [0, 1], "group": "b"}, {"embedding": [1, 1]}]
    ids = [result.value for result in probe.mutation(*(insert(VECTORS, row) for row in rows))]

    everything, one, two, refused = probe.action(
        vector_search(VECTORS, "by_embedding", [1, 0]),
        vector_search(VECTORS, "by_embedding", [1, 0], limit=1),
        vector_search(VECTORS, "by_embedding", [1, 0], filter=or_(eq("group", "a"), eq("group", "b"))),
        vector_search(VECTORS, "by_embedding", []),
    )

    assert [found["_id"] for found in everything.value] == [ids[0], ids[2], ids[1]]
    assert one.value == [{"_id": ids[0], "_score": 1.0}]
    assert [found["_id"] for found in two.value] == ids[:2]
    assert refused.error == "`vector` must be a non-empty Array in vectorSearch"


# The answer is text as JSON.stringify writes it, which is what every other deployment answers.
def test_the_answer_is_json_text(emulator: Emulator) -> None:
    program = json.dumps([{"op": "runQuery", "program": [{"op": "get", "id": "x"}, {"op": "now"}]}])

    answer = emulator.query("conformance/probe:query", {"program": program})

    assert answer.startswith('[{"value":[{"error":"Invalid argument `id` for `db.get`: ')
    assert answer.endswith(f'{{"value":{emulator.clock.now_ns() // 1_000_000}}}]}}]')

"""A table's validator holds every written document, with each kind of validator from both sides.

The table `conformance_typed` has an optional field for each kind, and a required `name`.
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.probe import Probe, insert, patch, ref, replace, undefined

THINGS = "conformance_things"
TYPED = "conformance_typed"

# A well-formed id by the rules of convex-backend crates/value/src/id_v6.rs, of a table no deployment of tests has.
ID_OF_TABLE_16384 = "g2002000000000000000000000000001j4"


def refusal(probe: Probe, *steps: Any) -> str:
    """The text with which the last step is refused."""
    error = probe.mutation(*steps)[-1].error
    assert error is not None
    return error


# What each validator takes


# A document that fits must not be refused, nor changed: the edges of each type.
@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("text", "", id="text-empty"),
        pytest.param("text", "1.5", id="text-digits"),
        pytest.param("number", 1.0, id="number-whole"),
        pytest.param("number", -0.5, id="number-fraction"),
        pytest.param("number", float("inf"), id="number-infinite"),
        pytest.param("int64", ConvexInt64(0), id="int64-zero"),
        pytest.param("int64", ConvexInt64(-(2**63)), id="int64-least"),
        pytest.param("flag", False, id="boolean-false"),
        pytest.param("nothing", None, id="null"),
        pytest.param("bytes", b"", id="bytes-empty"),
        pytest.param("bytes", b"\x00\xff", id="bytes"),
        pytest.param("list", [], id="list-empty"),
        pytest.param("list", ["a", ""], id="list"),
        pytest.param("shape", {"a": "x"}, id="object-without-optional"),
        pytest.param("shape", {"a": "x", "b": 1.0}, id="object-with-optional"),
        pytest.param("map", {}, id="record-empty"),
        pytest.param("map", {"a key": 1.0, "": 2.0}, id="record"),
        pytest.param("either", "a", id="union-first"),
        pytest.param("either", 1.0, id="union-second"),
        pytest.param("exactly", "yes", id="literal"),
        pytest.param("whatever", None, id="any-null"),
        pytest.param("whatever", {"deep": [ConvexInt64(1), b"x"]}, id="any-object"),
    ],
)
def test_a_fitting_value_is_stored_as_it_is(probe: Probe, field: str, value: Any) -> None:
    identifier = probe.insert(TYPED, {"name": "n", field: value})

    assert (probe.get(identifier) or {})[field] == value


# Nothing is converted: text of digits is no number, 1 is no Int64, 0 is not false.  Optional is not nullable: clients
# that write null for "not given" are refused (mastra-ai/mastra#11356 was a field that was missing).
@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("text", 1.0, id="text-number"),
        pytest.param("text", None, id="text-null"),
        pytest.param("text", b"a", id="text-bytes"),
        pytest.param("number", "1", id="number-text"),
        pytest.param("number", ConvexInt64(1), id="number-int64"),
        pytest.param("int64", 1.0, id="int64-number"),
        pytest.param("int64", "1", id="int64-text"),
        pytest.param("flag", 0.0, id="boolean-number"),
        pytest.param("flag", "true", id="boolean-text"),
        pytest.param("nothing", False, id="null-false"),
        pytest.param("nothing", "", id="null-text"),
        pytest.param("bytes", "AA==", id="bytes-base64"),
        pytest.param("bytes", [0.0], id="bytes-list"),
        pytest.param("thing", "thread-1", id="id-other-text"),
        pytest.param("thing", ID_OF_TABLE_16384, id="id-of-no-table"),
        pytest.param("thing", None, id="id-null"),
        pytest.param("list", "a", id="list-text"),
        pytest.param("list", {}, id="list-object"),
        pytest.param("list", ["a", 1.0], id="list-of-other"),
        pytest.param("shape", {}, id="object-without-required"),
        pytest.param("shape", {"a": 1.0}, id="object-with-wrong-type"),
        pytest.param("shape", {"a": "x", "b": None}, id="object-null-for-optional"),
        pytest.param("shape", {"a": "x", "c": 1.0}, id="object-with-extra"),
        pytest.param("shape", "x", id="object-text"),
        pytest.param("shape", [], id="object-list"),
        pytest.param("either", None, id="union-null"),
        pytest.param("either", True, id="union-boolean"),
        pytest.param("either", ["a"], id="union-list"),
        pytest.param("exactly", "Yes", id="literal-other-text"),
        pytest.param("exactly", True, id="literal-boolean"),
    ],
)
def test_another_value_is_refused(probe: Probe, field: str, value: Any) -> None:
    error = refusal(probe, insert(TYPED, {"name": "n", field: value}))

    assert "validator" in error.lower()
    assert probe.count(TYPED) == 0


# Metadata as a record: its values are checked, each of them.
@pytest.mark.diverges("records")
@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"k": "v"}, id="other-type"),
        pytest.param({"a": 1.0, "b": ConvexInt64(1)}, id="second-value"),
        pytest.param({"k": None}, id="null"),
        pytest.param([], id="list"),
        pytest.param(None, id="no-record"),
    ],
)
def test_another_record_is_refused(probe: Probe, value: Any) -> None:
    error = refusal(probe, insert(TYPED, {"name": "n", "map": value}))

    assert "validator" in error.lower()


# Clients write null where they have no metadata; an optional object is not nullable either.
@pytest.mark.diverges("null-for-an-object-probe")
def test_null_for_an_object_is_refused(probe: Probe) -> None:
    error = refusal(probe, insert(TYPED, {"name": "n", "shape": None}))

    assert "validator" in error.lower()


# Fields


# mastra-ai/mastra#11356: a row without a required field.
@pytest.mark.parametrize("value", [{}, {"name": undefined}], ids=["absent", "undefined"])
def test_a_missing_required_field_is_refused(probe: Probe, value: Any) -> None:
    error = refusal(probe, insert(TYPED, value))

    assert "required field `name`" in error


# Code that is newer than the schema writes fields the table does not know.
def test_an_extra_field_is_refused(probe: Probe) -> None:
    error = refusal(probe, insert(TYPED, {"name": "n", "later": 1.0}))

    assert "field `later`" in error


# Missing and null are two things: only what was written is there.
def test_optional_fields_may_be_missing(probe: Probe) -> None:
    identifier = probe.insert(TYPED, {"name": "n", "nothing": None})

    assert sorted(probe.get(identifier) or {}) == ["_creationTime", "_id", "name", "nothing"]


# Ids


# The common case of a reference; it is stored as the text it is.
def test_an_id_of_the_right_table_is_stored(probe: Probe) -> None:
    thing = probe.insert(THINGS, {})

    identifier = probe.insert(TYPED, {"name": "n", "thing": thing})

    assert (probe.get(identifier) or {})["thing"] == thing


# References do not hold documents: a row may point to what was deleted meanwhile.
def test_an_id_of_a_deleted_document_is_stored(probe: Probe) -> None:
    thing = probe.insert(THINGS, {})
    probe.delete(thing)

    answers = probe.mutation(insert(TYPED, {"name": "n", "thing": thing}))

    assert answers[0].error is None


# The mix-up of two ids of one function, which no type of Python would catch.
def test_an_id_of_another_table_is_refused(probe: Probe) -> None:
    other = probe.insert(TYPED, {"name": "other"})

    error = refusal(probe, insert(TYPED, {"name": "n", "thing": other}))

    assert other in error
    assert "conformance_t" in error


# Patch and replace


# The document after the write is what counts, also where the patch alone looks fine.
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(patch(ref(0), {"text": 1.0}), id="patch-wrong-type"),
        pytest.param(patch(ref(0), {"name": undefined}), id="patch-removes-required"),
        pytest.param(patch(ref(0), {"later": 1.0}), id="patch-extra"),
        pytest.param(patch(ref(0), {"shape": {"b": 1.0}}), id="patch-nested-is-no-merge"),
        pytest.param(replace(ref(0), {"text": "b"}), id="replace-without-required"),
        pytest.param(replace(ref(0), {"name": 1.0}), id="replace-wrong-type"),
        pytest.param(replace(ref(0), {"name": "n", "later": 1.0}), id="replace-extra"),
    ],
)
def test_an_update_to_a_document_that_does_not_fit_is_refused(probe: Probe, write: Any) -> None:
    inserted, refused = probe.mutation(insert(TYPED, {"name": "n", "text": "a", "shape": {"a": "x"}}), write)

    document = probe.get(inserted.value) or {}
    assert "validator" in (refused.error or "").lower()
    assert (document["name"], document["text"], document["shape"]) == ("n", "a", {"a": "x"})


# The other side: the same table takes updates that fit.
def test_an_update_to_a_document_that_fits_is_stored(probe: Probe) -> None:
    identifier = probe.insert(TYPED, {"name": "n", "text": "a"})

    probe.mutation(patch(identifier, {"text": undefined, "number": 1.0}), patch(identifier, {"name": "m"}))

    document = probe.get(identifier) or {}
    assert (document["name"], document["number"], "text" in document) == ("m", 1.0, False)


# `_id` and `_creationTime` are no extra fields, though no validator names them.
def test_system_fields_are_no_extra_fields(probe: Probe) -> None:
    identifier = probe.insert(TYPED, {"name": "n"})
    document = probe.get(identifier)
    assert document is not None

    answers = probe.mutation(replace(identifier, {**document, "text": "a"}))

    assert answers[0].error is None


# Texts


# Users paste these lines into issues (mastra-ai/mastra#12318): they name the table, the place and the reason.
@pytest.mark.diverges("schema-violation-text-probe")
@pytest.mark.parametrize(
    ("value", "texts"),
    [
        pytest.param(
            {},
            ["Object is missing the required field `name`. Consider wrapping the field validator in", "Object: {}"],
            id="missing",
        ),
        pytest.param(
            {"name": "n", "later": 1.0},
            ["Object contains extra field `later` that is not in the validator.", 'Object: {later: 1.0, name: "n"}'],
            id="extra",
        ),
        pytest.param(
            {"name": "n", "list": ["a", 5.0]},
            ["Value does not match validator.\nPath: .list[1]\nValue: 5.0\nValidator: v.string()"],
            id="item-of-list",
        ),
        pytest.param(
            {"name": "n", "shape": {"a": "x", "b": "y"}},
            ['Value does not match validator.\nPath: .shape.b\nValue: "y"\nValidator: v.float64()'],
            id="field-of-object",
        ),
        pytest.param(
            {"name": "n", "map": {"k": "y"}},
            ['Value does not match validator.\nPath: .map.values()\nValue: "y"\nValidator: v.float64()'],
            id="value-of-record",
        ),
        pytest.param(
            {"name": "n", "either": None},
            ["Path: .either\nValue: null\nValidator: v.union(v.string(), v.float64())"],
            id="union",
        ),
        pytest.param(
            {"name": "n", "exactly": "no"},
            ['`"no"` does not match literal validator `v.literal("yes")`.Path: .exactly'],
            id="literal",
        ),
    ],
)
def test_the_refusal_says_where_and_why(probe: Probe, value: Any, texts: list[str]) -> None:
    error = refusal(probe, insert(TYPED, value))

    head = f'Failed to insert or update a document in table "{TYPED}" because it does not match the schema: '
    assert error.startswith(head)
    for text in texts:
        assert text in error

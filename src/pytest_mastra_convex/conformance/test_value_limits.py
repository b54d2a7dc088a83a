"""The shape of values, each limit from both sides: lengths, numbers of fields, levels, and what each type weighs.

convex-backend crates/value/src/array.rs, object.rs, size.rs: these hold for every value, in documents and in arguments.
The limits of a document as a whole are in `test_write_limits.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.conformance.things import THINGS
from pytest_mastra_convex.probe import (
    Probe,
    StepFailed,
    fields,
    insert,
    nested,
    patch,
    ref,
    repeat,
    repeat_list,
    replace,
)

TAKES_ANY = "conformance/typed:takesAny"

# 1 MiB less 63 bytes of an empty document with an id of 32 characters, less the 4 of `pad` and the 2 of its text.
ROOM_BESIDE_PAD = 1_048_576 - 63 - 4 - 2


def levels(depth: int) -> list[Any]:
    """A list in a list in a list …, so many lists."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


# convex-test has no such limit, so the first long list fails in production: 8,192 elements fit, one more does not.
@pytest.mark.parametrize("item", [1.0, None, "text", {"a": 1.0}], ids=["numbers", "nulls", "texts", "objects"])
def test_list_of_8192_is_stored(probe: Probe, item: Any) -> None:
    stored = probe.insert(THINGS, {"list": repeat_list(item, 8_192)})

    assert (probe.get(stored) or {})["list"] == [item] * 8_192


@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize("item", [1.0, None, "text", {"a": 1.0}], ids=["numbers", "nulls", "texts", "objects"])
def test_list_of_8193_is_refused(probe: Probe, item: Any) -> None:
    with pytest.raises(StepFailed, match=r"Array length is too long \(8193 > maximum length 8192\)"):
        probe.insert(THINGS, {"list": repeat_list(item, 8_193)})


# The limit is each list's own: together they may hold more.
def test_two_lists_of_8192_are_stored(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"lists": [repeat_list(None, 8_192), repeat_list(None, 8_192)]})

    assert [len(each) for each in (probe.get(stored) or {})["lists"]] == [8_192, 8_192]


@pytest.mark.diverges("shape-of-values")
def test_list_of_8193_inside_of_others_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match=r"8193 > maximum length 8192"):
        probe.insert(THINGS, {"a": [{"b": repeat_list(None, 8_193)}]})


# A list that grows by one message at a time reaches the limit in a patch, not in an insert.
@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize("write", [pytest.param(patch, id="patch"), pytest.param(replace, id="replace")])
def test_update_with_a_list_of_8193_leaves_the_document(probe: Probe, write: Any) -> None:
    stored = probe.insert(THINGS, {"list": ["kept"]})

    answer = probe.mutation(write(stored, {"list": repeat_list(None, 8_193)}))[0]

    assert "Array length is too long (8193 > maximum length 8192)" in (answer.error or "")
    assert (probe.get(stored) or {})["list"] == ["kept"]


# Inside a document an object may have 1,024 fields; two more of the document's own are taken by the system.
def test_object_of_1024_fields_is_stored(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"wide": fields(1_024)})

    assert len((probe.get(stored) or {})["wide"]) == 1_024


@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize(
    "wide", [{"wide": fields(1_025)}, {"list": [fields(1_025)]}], ids=["in-an-object", "in-a-list"]
)
def test_object_of_1025_fields_is_refused(probe: Probe, wide: Any) -> None:
    with pytest.raises(StepFailed, match=r"Object has too many fields \(1025 > maximum number 1024\)"):
        probe.insert(THINGS, wide)


# The limits of a value come before those of a document: 1,025 fields are counted without the system's two.
@pytest.mark.diverges("shape-of-values")
def test_document_of_1025_fields_is_refused_as_a_value(probe: Probe) -> None:
    with pytest.raises(StepFailed, match=r"Object has too many fields \(1025 > maximum number 1024\)"):
        probe.insert(THINGS, fields(1_025))


# Levels are counted over lists and objects alike, and an empty one counts as a level.
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(nested(15), id="lists"),
        pytest.param([{"b": nested(13)}], id="mixed"),
        pytest.param([1.0, nested(14), "after"], id="beside-others"),
    ],
)
def test_16_levels_with_the_document_are_stored(probe: Probe, value: Any) -> None:
    stored = probe.insert(THINGS, {"deep": value})

    assert probe.get(stored) is not None


@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(nested(16), id="lists"),
        pytest.param([{"b": nested(14)}], id="mixed"),
        pytest.param([1.0, nested(15), "after"], id="beside-others"),
    ],
)
def test_17_levels_with_the_document_are_refused(probe: Probe, value: Any) -> None:
    with pytest.raises(StepFailed, match=r"nested 17 levels deep > maximum nesting 16"):
        probe.insert(THINGS, {"deep": value})


# 64 levels are still a value, though no document; 65 are not even that, and the text names the other limit.
@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize(("depth", "limit"), [(63, 16), (64, 64)], ids=["64-levels", "65-levels"])
def test_refusal_names_the_limit_of_values_first(probe: Probe, depth: int, limit: int) -> None:
    with pytest.raises(StepFailed, match=rf"nested {depth + 1} levels deep > maximum nesting {limit}\b"):
        probe.insert(THINGS, {"deep": nested(depth)})


# Arguments are a list of one object: two of the 64 levels are gone before the first value.
def test_arguments_of_64_levels_are_taken(convex_deployment: Deployment) -> None:
    assert convex_deployment.query(TAKES_ANY, {"value": levels(62)}) == "[" * 62 + "]" * 62


@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize("depth", [63, 64], ids=["with-their-list", "alone"])
def test_arguments_of_65_levels_are_refused(convex_deployment: Deployment, depth: int) -> None:
    with pytest.raises(FunctionError, match=r"nested 65 levels deep > maximum nesting 64"):
        convex_deployment.query(TAKES_ANY, {"value": levels(depth)})


def test_arguments_with_a_list_of_8192_are_taken(convex_deployment: Deployment) -> None:
    assert convex_deployment.query(TAKES_ANY, {"value": [None] * 8_192}).count("null") == 8_192


@pytest.mark.diverges("shape-of-values")
def test_arguments_with_a_list_of_8193_are_refused(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError, match=r"Array length is too long \(8193 > maximum length 8192\)"):
        convex_deployment.query(TAKES_ANY, {"value": [None] * 8_193})


@pytest.mark.diverges("shape-of-values")
def test_arguments_with_an_object_of_1025_fields_are_refused(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError, match=r"Object has too many fields \(1025 > maximum number 1024\)"):
        convex_deployment.query(TAKES_ANY, {"value": {f"f{number}": None for number in range(1_025)}})


# What each type weighs, by the last byte of 1 MiB: whoever fills rows up to the limit has to count as Convex does.
WEIGHTS = [
    pytest.param(None, 1, id="null"),
    pytest.param(True, 1, id="boolean"),
    pytest.param(0.0, 9, id="float64"),
    pytest.param(ConvexInt64(0), 9, id="int64"),
    pytest.param("", 2, id="text-empty"),
    pytest.param("abc", 5, id="text-ascii"),
    pytest.param("\u00e9\u0800\U0001f600", 11, id="text-in-utf8"),
    pytest.param("\0", 3, id="text-nul"),
    pytest.param(b"", 2, id="bytes-empty"),
    pytest.param(b"\x00\xff", 4, id="bytes"),
    pytest.param([], 2, id="list-empty"),
    pytest.param([0.0, None], 12, id="list"),
    pytest.param({}, 2, id="object-empty"),
    pytest.param({"": None}, 4, id="object-with-an-empty-name"),
    pytest.param({"name": [True]}, 10, id="object"),
]


# `x` with its value is what is left of 1 MiB beside a text.
@pytest.mark.parametrize(("value", "weight"), WEIGHTS)
def test_document_of_1_mib_with_each_type_is_stored(probe: Probe, value: Any, weight: int) -> None:
    stored = probe.insert(THINGS, {"pad": repeat("a", ROOM_BESIDE_PAD - 2 - weight), "x": value})

    assert (probe.get(stored) or {})["x"] == value


@pytest.mark.diverges("shape-of-values")
@pytest.mark.parametrize(("value", "weight"), WEIGHTS)
def test_document_of_a_byte_more_with_each_type_is_refused(probe: Probe, value: Any, weight: int) -> None:
    with pytest.raises(StepFailed, match=r"Value is too large \(1\.00 MiB > maximum size 1 MiB\)"):
        probe.insert(THINGS, {"pad": repeat("a", ROOM_BESIDE_PAD - 2 - weight + 1), "x": value})


# An id in another field is text of 32 characters and weighs like any other.
def test_copied_id_weighs_like_text(probe: Probe) -> None:
    answers = probe.mutation(
        insert(THINGS, {}),
        insert(THINGS, {"pad": repeat("a", ROOM_BESIDE_PAD - 2 - 34), "x": ref(0)}),
    )

    assert answers[1].error is None

"""What a document must be to be stored: convex-engine.md §0, §1.6 and the order of checks in §6."""

from pathlib import Path
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.database.documents import (
    StoredDocument,
    build_document,
    check_document_size,
    field_at,
    without_system_fields,
)
from convex_mastra_emulator.errors import InvalidDocument, InvalidValue
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.codec import decode_measured
from convex_mastra_emulator.values.json_text import parse_json
from convex_mastra_emulator.values.size import take_in

GOLDEN = Path(__file__).parent.parent / "data" / "values.json"
ID = "j57000820c20a1g7104gm2rc1m70ynr8"
TIME = 1_700_000_000_000.25
LIMITS = Limits()


def build(fields: dict[str, Any], *, time: float = TIME) -> StoredDocument:
    return build_document(take_in(fields, LIMITS), ID, time, LIMITS)


def nested_object(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_system_fields_are_added_in_byte_order() -> None:
    document = build({"a": 1, "B": 2})

    assert list(document.value) == ["B", "_creationTime", "_id", "a"]
    assert document.value["_id"] == ID
    assert document.value["_creationTime"] == TIME


def test_sizes_are_those_of_npm_convex() -> None:
    vectors = [entry for entry in parse_json(GOLDEN.read_text())["values"] if "documentSize" in entry]
    assert len(vectors) > 20

    for entry in vectors:
        document = build_document(decode_measured(entry["json"], LIMITS), ID, TIME, LIMITS)
        assert document.size == entry["documentSize"], entry


def test_empty_document_has_63_bytes() -> None:
    assert build({}).size == 63


def test_system_fields_that_are_given_count_once() -> None:
    assert build({"_id": ID, "_creationTime": TIME, "a": 1}).size == build({"a": 1}).size


# The 1 MiB limit; the real number, because it is what users meet


def test_document_of_1_mib_fits() -> None:
    document = build({"a": "x" * 1_048_509})

    check_document_size(document, LIMITS)

    assert document.size == 1_048_576


def test_document_of_one_byte_more_is_refused() -> None:
    document = build({"a": "x" * 1_048_510})

    with pytest.raises(InvalidDocument, match=r"^Value is too large \(1\.00 MiB > maximum size 1 MiB\)$") as caught:
        check_document_size(document, LIMITS)

    assert caught.value.code == "ValueTooLargeError"


# Fields, with the two system fields


def test_1022_own_fields_fit() -> None:
    assert len(build({f"f{n}": None for n in range(1022)}).value) == 1024


@pytest.mark.parametrize(("own", "counted"), [(1023, 1025), (1024, 1026)])
def test_more_own_fields_are_refused(own: int, counted: int) -> None:
    text = rf"^Object has too many fields \({counted} > maximum number 1024\)$"
    with pytest.raises(InvalidValue, match=text) as caught:
        build({f"f{n}": None for n in range(own)})

    assert caught.value.code == "TooManyFieldsError"


# Nesting: the document is the first level


def test_16_levels_fit() -> None:
    assert build(nested_object(16)).size > 0


def test_17_levels_are_refused() -> None:
    text = r"isn't a valid document: Document is too nested \(nested 17 levels deep > maximum nesting 16\)$"
    with pytest.raises(InvalidDocument, match=text) as caught:
        build(nested_object(17))

    assert str(caught.value).startswith("Document(value: {_creationTime: 1700000000000.25, _id: ")
    assert caught.value.code == "InvalidDocumentError"


# Reserved names


def test_other_field_with_an_underscore_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="starts with an underscore") as caught:
        build({"_x": 1, "a": "b"})

    assert str(caught.value) == (
        f'Document(value: {{_creationTime: 1700000000000.25, _id: "{ID}", _x: 1.0, a: "b"}}) '
        "isn't a valid document: "
        "Field '_x' starts with an underscore, which is only allowed for system fields like '_id'"
    )
    assert caught.value.code == "InvalidDocumentError"


def test_nested_field_with_an_underscore_is_allowed() -> None:
    assert build({"a": {"_x": 1}}).value["a"] == {"_x": 1.0}


def test_several_violations_are_joined_nesting_first() -> None:
    with pytest.raises(InvalidDocument, match="too nested") as caught:
        build({"_y": nested_object(16), "_x": 1})

    _, _, problems = str(caught.value).partition("isn't a valid document: ")
    assert problems == (
        "Document is too nested (nested 17 levels deep > maximum nesting 16)\n "
        "Field '_x' starts with an underscore, which is only allowed for system fields like '_id'\n "
        "Field '_y' starts with an underscore, which is only allowed for system fields like '_id'"
    )


# System fields that are given


@pytest.mark.parametrize(
    ("given_id", "shown"), [("x", '"x"'), (None, "null"), (1, "1.0"), (ID.upper(), f'"{ID.upper()}"')]
)
def test_other_id_is_refused(given_id: Any, shown: str) -> None:
    with pytest.raises(InvalidDocument, match="doesn't match '_id' field") as caught:
        build({"_id": given_id})

    assert str(caught.value) == f"Provided document ID \"{ID}\" doesn't match '_id' field {shown}"
    assert caught.value.code == "InvalidIdError"


@pytest.mark.parametrize(("time", "printed"), [(TIME, "1700000000000.25"), (1_700_000_000_000.0, "1700000000000")])
def test_other_creation_time_is_refused(time: float, printed: str) -> None:
    with pytest.raises(InvalidDocument, match="doesn't match '_creationTime' field") as caught:
        build({"_creationTime": 5, "a": 1}, time=time)

    assert str(caught.value) == (
        f"Provided creation time {printed} doesn't match '_creationTime' field in "
        f'{{_creationTime: 5.0, _id: "{ID}", a: 1.0}}'
    )
    assert caught.value.code == "InvalidCreationTimeError"


def test_creation_time_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="_creationTime: 1700000000000, "):
        build({"_creationTime": ConvexInt64(1_700_000_000_000)}, time=1_700_000_000_000.0)


# Order of the checks


def test_id_is_checked_before_the_number_of_fields() -> None:
    with pytest.raises(InvalidDocument, match="doesn't match '_id' field"):
        build({"_id": "x", **{f"f{n}": None for n in range(1023)}})


def test_number_of_fields_is_checked_before_the_creation_time() -> None:
    with pytest.raises(InvalidValue, match="too many fields"):
        build({"_creationTime": 1, **{f"f{n}": None for n in range(1023)}})


def test_creation_time_is_checked_before_the_shape() -> None:
    with pytest.raises(InvalidDocument, match="doesn't match '_creationTime' field"):
        build({"_creationTime": 1, "_x": nested_object(16)})


# Fields by their path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("a",), {"b": {"c": 1.0}, "list": [{"c": 2.0}]}),
        (("a", "b", "c"), 1.0),
        (("a", "x"), undefined),
        (("x", "y"), undefined),
        (("a", "b", "c", "d"), undefined),
        (("a", "list"), [{"c": 2.0}]),
        (("a", "list", "c"), undefined),
        (("nothing",), None),
        (("nothing", "b"), undefined),
    ],
)
def test_field_is_found_by_its_path_through_objects_only(path: tuple[str, ...], value: Any) -> None:
    document = {"a": {"b": {"c": 1.0}, "list": [{"c": 2.0}]}, "nothing": None}

    assert field_at(document, path) == value


def test_validators_do_not_see_system_fields() -> None:
    assert without_system_fields({"_id": ID, "_creationTime": TIME, "a": {"_id": 1.0}}) == {"a": {"_id": 1.0}}

"""What JavaScript's side of `ctx` refuses before the deployment is asked.

convex-js src/server/impl/database_impl.ts and vector_search_impl.ts (convex-engine.md §3.3, §5.4, §6 and §8.3).
"""

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, undefined
from convex_mastra_emulator.errors import InvalidArgument, ThrownError
from convex_mastra_emulator.runtime.context import MutationContext, vector_query
from convex_mastra_emulator.values import Document

Body = Callable[[MutationContext], Any]


def stored(ctx: MutationContext, document_id: str) -> Document:
    document = ctx.db.get(document_id)
    assert document is not None
    return document


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (lambda ctx: ctx.db.insert("_users", {}), r"^System tables \(prefixed with `_`\) are read-only\.$"),
        (lambda ctx: ctx.db.query("_users"), r"^System tables can only be accessed from db\.system\.query\(\)\.$"),
        (
            lambda ctx: ctx.db.normalize_id("_users", "x"),
            r"^System tables can only be accessed from db\.system\.normalizeId\(\)\.$",
        ),
    ],
    ids=["insert", "query", "normalize_id"],
)
def test_system_tables_are_refused(emulator: Emulator, body: Body, text: str) -> None:
    with pytest.raises(ThrownError, match=text):
        emulator.run(body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (lambda ctx: ctx.db.get(), "^Must provide arg 1 `id` to `get`$"),
        (lambda ctx: ctx.db.get(undefined), "^Must provide arg 1 `id` to `get`$"),
        (lambda ctx: ctx.db.patch(), "^Must provide arg 1 `id` to `patch`$"),
        (lambda ctx: ctx.db.patch("x"), "^Must provide arg 2 `value` to `patch`$"),
        (lambda ctx: ctx.db.replace("x", undefined), "^Must provide arg 2 `value` to `replace`$"),
        (lambda ctx: ctx.db.delete(), "^Must provide arg 1 `id` to `delete`$"),
    ],
    ids=["get", "get undefined", "patch", "patch value", "replace undefined", "delete"],
)
def test_missing_argument_is_named(emulator: Emulator, body: Body, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        emulator.run(body)


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [(5, "number", "5"), (True, "boolean", "true"), (None, "object", "null"), ({}, "object", r"\[object Object\]")],
)
def test_id_that_is_no_text_is_refused(emulator: Emulator, value: Any, kind: str, shown: str) -> None:
    text = f"^Invalid argument `id` for `db.get`, expected string but got '{kind}': {shown}$"

    with pytest.raises(InvalidArgument, match=text):
        emulator.run(lambda ctx: ctx.db.get(value))


def test_document_is_read_with_and_without_its_table(emulator: Emulator) -> None:
    note = emulator.run(lambda ctx: ctx.db.insert("context_notes", {"a": 1}))

    both = emulator.run(lambda ctx: [ctx.db.get(note), ctx.db.get("context_notes", note)])

    assert [document["a"] for document in both] == [1.0, 1.0]


# The last argument decides which form is meant: an undefined one is as if it were not there.
def test_undefined_last_argument_makes_the_short_form(emulator: Emulator) -> None:
    note = emulator.run(lambda ctx: ctx.db.insert("context_notes", {"a": 1}))

    found = emulator.run(lambda ctx: ctx.db.get(note, undefined))

    assert found["_id"] == note


def test_undefined_in_a_patch_removes_the_field(emulator: Emulator) -> None:
    note = emulator.run(lambda ctx: ctx.db.insert("context_notes", {"a": 1, "b": 2}))

    emulator.run(lambda ctx: ctx.db.patch(note, {"a": undefined, "b": 3}))

    document = emulator.run(lambda ctx: ctx.db.get(note))
    assert "a" not in document
    assert document["b"] == 3.0


def test_undefined_fields_of_an_insert_are_left_out(emulator: Emulator) -> None:
    note = emulator.run(lambda ctx: ctx.db.insert("context_notes", {"a": undefined, "b": {"c": undefined}}))

    document = emulator.run(lambda ctx: ctx.db.get(note))

    assert "a" not in document
    assert document["b"] == {}


# JavaScript drops undefined fields only; inside an array it is an error.
def test_undefined_in_an_array_is_no_value(emulator: Emulator) -> None:
    with pytest.raises(InvalidArgument, match="undefined is not a valid Convex value"):
        emulator.run(lambda ctx: ctx.db.insert("context_notes", {"a": [undefined]}))


def test_document_read_is_a_copy(emulator: Emulator) -> None:
    note = emulator.run(lambda ctx: ctx.db.insert("context_notes", {"tags": ["a"]}))

    emulator.run(lambda ctx: stored(ctx, note)["tags"].append("b"))

    assert emulator.run(lambda ctx: stored(ctx, note)["tags"]) == ["a"]


def test_document_written_is_a_copy(emulator: Emulator) -> None:
    given = {"tags": ["a"]}
    note = emulator.run(lambda ctx: ctx.db.insert("context_notes", given))

    given["tags"].append("b")

    assert emulator.run(lambda ctx: stored(ctx, note)["tags"]) == ["a"]


@pytest.mark.parametrize("vector", [[], (), "text", None])
def test_vector_must_be_an_array_with_numbers(vector: Any) -> None:
    with pytest.raises(ThrownError, match=r"^`vector` must be a non-empty Array in vectorSearch$"):
        vector_query(vector, None, None, Limits())

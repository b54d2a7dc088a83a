"""Tables and their indexes as a schema names them: convex-engine.md §4.1 and §7.1."""

import pytest

from convex_mastra_emulator.schema import (
    IndexDefinition,
    TextIndexDefinition,
    VectorIndexDefinition,
    define_table,
    v,
)
from convex_mastra_emulator.schema.definition import field_may_exist, fields_at
from convex_mastra_emulator.schema.validators import Field, Validator


def test_each_index_makes_a_new_table() -> None:
    plain = define_table({"a": v.string()})

    indexed = plain.index("by_a", ["a"])

    assert plain.indexes == ()
    assert indexed.indexes == (IndexDefinition("by_a", ("a",), staged=False),)


def test_indexes_of_all_kinds_are_kept_apart() -> None:
    table = (
        define_table({"a": v.string(), "embedding": v.array(v.float64())})
        .index("by_a", ["a"], staged=True)
        .search_index("search_a", search_field="a", filter_fields=["a"])
        .vector_index("by_embedding", vector_field="embedding", dimensions=3, filter_fields=["a"])
    )

    assert table.indexes[0].staged
    assert table.text_indexes == (TextIndexDefinition(name="search_a", search_field="a", filter_fields=("a",)),)
    assert table.vector_indexes == (
        VectorIndexDefinition(name="by_embedding", vector_field="embedding", dimensions=3, filter_fields=("a",)),
    )


# A document carries `_id` and `_creationTime` anyway; a validator that names them must not make them extra fields.
@pytest.mark.parametrize(
    "document",
    [
        v.object({"a": v.string(), "_id": v.id("t"), "_creationTime": v.number()}),
        v.union(v.object({"a": v.string(), "_id": v.id("t")})),
    ],
)
def test_system_fields_are_dropped_from_the_stored_type(document: Validator) -> None:
    assert "_" not in str(define_table(document).stored_type)


def test_nested_fields_with_an_underscore_stay_in_the_stored_type() -> None:
    table = define_table({"a": v.object({"_b": v.string()})})

    assert str(table.stored_type) == "v.object({a: v.object({_b: v.string()})})"


NESTED = v.object(
    {
        "a": v.optional(v.object({"b": v.string()})),
        "either": v.union(v.object({"x": v.null()}), v.object({"y": v.null()}), v.null()),
        "anything": v.any(),
        "list": v.array(v.object({"z": v.null()})),
    }
)


@pytest.mark.parametrize("path", ["a", "a.b", "either.x", "either.y", "anything", "anything.deep.er", "list"])
def test_field_some_document_can_have_exists(path: str) -> None:
    assert field_may_exist(NESTED, tuple(path.split(".")))


@pytest.mark.parametrize("path", ["b", "a.c", "a.b.c", "either.z", "list.z"])
def test_field_no_document_can_have_does_not_exist(path: str) -> None:
    assert not field_may_exist(NESTED, tuple(path.split(".")))


def test_every_validator_a_field_may_have_is_found() -> None:
    union = v.union(v.object({"a": v.string()}), v.object({"a": v.optional(v.null())}))

    assert list(fields_at(union, ("a",))) == [Field(v.string()), Field(v.null(), optional=True)]

"""Schemas written in Python: convex-engine.md §7.3 and §7.5."""

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.errors import InvalidValue, SchemaDefinitionError
from convex_mastra_emulator.schema import Schema, define_schema, define_table, v
from convex_mastra_emulator.schema.validators import ObjectValidator


def test_table_of_fields_is_a_table_of_an_object() -> None:
    assert define_table({"a": v.string()}) == define_table(v.object({"a": v.string()}))


def test_table_may_be_a_union_of_objects() -> None:
    table = define_table(v.union(v.object({"kind": v.literal("a")}), v.object({"kind": v.literal("b")})))

    assert str(table.document_type).startswith("v.union(")


def test_schema_keeps_its_tables_in_order() -> None:
    schema = define_schema({"b": define_table({}), "a": define_table({})})

    assert isinstance(schema, Schema)
    assert list(schema.tables) == ["b", "a"]
    assert schema.schema_validation


def test_number_and_float64_are_the_same_validator() -> None:
    assert v.number() == v.float64()
    assert v.bigint() == v.int64()


def test_int_literal_is_a_float_literal() -> None:
    assert str(v.literal(1)) == "v.literal(1.0)"
    assert str(v.literal(ConvexInt64(1))) == "v.literal(<bigint>)"


def test_literals_of_other_types_are_other_validators() -> None:
    assert v.literal(1) != v.literal(ConvexInt64(1))
    assert v.literal(1) != v.literal(True)
    assert len({v.literal(1), v.literal(1.0), v.literal(ConvexInt64(1)), v.literal(True)}) == 3


def test_field_that_is_no_validator_is_refused() -> None:
    with pytest.raises(SchemaDefinitionError, match=r"^Field `a` must be a validator such as v\.string\(\), got 'x'$"):
        define_table({"a": "x"})  # type: ignore[dict-item]


# `v.optional` exists on object fields only; anywhere else it would be silently forgotten.
def test_optional_outside_of_an_object_is_refused() -> None:
    with pytest.raises(SchemaDefinitionError, match=r"^An array's element must be a validator"):
        v.array(v.optional(v.string()))  # type: ignore[arg-type]
    with pytest.raises(SchemaDefinitionError, match=r"^A union's member must be a validator"):
        v.union(v.optional(v.string()))  # type: ignore[arg-type]
    with pytest.raises(SchemaDefinitionError, match=r"^An optional field's validator must be a validator"):
        v.optional(v.optional(v.string()))  # type: ignore[arg-type]


@pytest.mark.parametrize(("keys", "values"), [("keys", None), (None, "values")])
def test_record_of_optional_parts_is_refused(keys: str | None, values: str | None) -> None:
    string, optional = v.string(), v.optional(v.string())
    text = f"^Record validator cannot have optional {keys or values}$"

    with pytest.raises(SchemaDefinitionError, match=text) as caught:
        v.record(optional if keys else string, optional if values else string)  # type: ignore[arg-type]

    assert caught.value.code == "InvalidRecordType"


def test_record_of_literal_keys_is_refused() -> None:
    with pytest.raises(SchemaDefinitionError, match=r"^Records cannot have string literal keys$") as caught:
        v.record(v.union(v.literal("a"), v.string()), v.any())

    assert caught.value.code == "InvalidRecordType"


def test_record_of_keys_that_are_no_text_is_refused() -> None:
    text = (
        "^Records can only have string keys. Your validator contains a record with key typed as `v.float64\\(\\)`, "
        "which is not a subtype of `v.string\\(\\)`$"
    )
    with pytest.raises(SchemaDefinitionError, match=text) as caught:
        v.record(v.float64(), v.any())

    assert caught.value.code == "InvalidRecordType"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "$a", "1a", "_", "x" * 65])
def test_field_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=r"[Ii]dentifier"):
        v.object({name: v.string()})


def test_field_name_may_begin_with_an_underscore_and_be_64_long() -> None:
    assert isinstance(v.object({"_a": v.string(), "x" * 64: v.string()}), ObjectValidator)

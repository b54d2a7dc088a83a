"""A schema as JSON, as `schema.export()` of npm convex writes it: convex-engine.md §7.5."""

from typing import Any

import pytest

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.schema import Schema, define_schema, define_table, v

EXPORTED: dict[str, Any] = {
    "tables": [
        {
            "tableName": "notes",
            "indexes": [{"indexDescriptor": "by_text", "fields": ["text"]}],
            "stagedDbIndexes": [{"indexDescriptor": "by_both", "fields": ["text", "kind"]}],
            "searchIndexes": [{"indexDescriptor": "search", "searchField": "text", "filterFields": ["kind"]}],
            "stagedSearchIndexes": [],
            "vectorIndexes": [
                {"indexDescriptor": "by_e", "vectorField": "e", "dimensions": 3, "filterFields": ["kind"]}
            ],
            "stagedVectorIndexes": [
                {"indexDescriptor": "by_e4", "vectorField": "e", "dimensions": 4, "filterFields": []}
            ],
            "documentType": {
                "type": "object",
                "value": {
                    "text": {"fieldType": {"type": "string"}, "optional": False},
                    "kind": {"fieldType": {"type": "string"}, "optional": True},
                    "e": {"fieldType": {"type": "array", "value": {"type": "number"}}, "optional": False},
                },
            },
        }
    ],
    "schemaValidation": True,
}


def test_schema_has_the_form_of_export() -> None:
    notes = (
        define_table({"text": v.string(), "kind": v.optional(v.string()), "e": v.array(v.float64())})
        .index("by_text", ["text"])
        .index("by_both", ["text", "kind"], staged=True)
        .search_index("search", search_field="text", filter_fields=["kind"])
        .vector_index("by_e", vector_field="e", dimensions=3, filter_fields=["kind"])
        .vector_index("by_e4", vector_field="e", dimensions=4, staged=True)
    )

    assert define_schema({"notes": notes}).to_json() == EXPORTED


def test_exported_schema_is_read_back() -> None:
    assert Schema.from_json(EXPORTED).to_json() == EXPORTED


def test_schema_of_mastra_is_read_back() -> None:
    schema = mastra_schema()

    assert Schema.from_json(schema.to_json()) == schema


# §7.5: defineSchema always sends it; JSON written by hand does not.
def test_schema_validation_that_is_not_mentioned_is_off() -> None:
    assert not Schema.from_json({"tables": []}).schema_validation


def test_table_without_a_document_type_takes_anything() -> None:
    schema = Schema.from_json({"tables": [{"tableName": "t"}]})

    assert str(schema.tables["t"].document_type) == "v.any()"


def test_empty_schema_is_a_schema() -> None:
    assert define_schema({}).to_json() == {"tables": [], "schemaValidation": True}


@pytest.mark.parametrize(
    ("json", "text"),
    [
        (None, r"^A schema is an object with a list of `tables`"),
        ({}, r"^A schema is an object with a list of `tables`"),
        ({"tables": {}}, r"^A schema is an object with a list of `tables`"),
        ({"tables": [1]}, r"^A table must be an object with a `tableName`, got 1$"),
        ({"tables": [{}]}, r"^A table must be an object with a `tableName`"),
        ({"tables": [{"tableName": "t", "indexes": [{"fields": ["a"]}]}]}, r'^In table "t": an index lacks'),
        ({"tables": [{"tableName": "t", "indexes": ["by_a"]}]}, r'^In table "t": an index lacks'),
        ({"tables": [{"tableName": "_t"}]}, r"_t is a reserved table name\.$"),
        ({"tables": [{"tableName": "t", "documentType": {"type": "date"}}]}, r"unknown type `date`"),
    ],
)
def test_json_that_is_no_schema_is_refused(json: Any, text: str) -> None:
    with pytest.raises(SchemaDefinitionError, match=text):
        Schema.from_json(json)

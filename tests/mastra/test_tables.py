"""The sixteen tables of Mastra, held against the schema that the published package exports."""

from typing import Any

import pytest

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_schema, mastra_tables
from convex_mastra_emulator.schema import define_schema, v
from pytest_mastra_convex.node_project import Oracle

TABLE_COUNT = 16


def by_name(exported: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {table["tableName"]: table for table in exported["tables"]}


# Index lists and validators are typed by hand; a misspelt field would show only at a user's real deployment.
def test_tables_are_those_of_the_published_schema(oracle: Oracle) -> None:
    published = by_name(oracle.schema())

    ours = mastra_schema().to_json()

    assert len(ours["tables"]) == TABLE_COUNT
    for table in ours["tables"]:
        assert table == published[table["tableName"]]


def test_no_table_of_mastra_is_missing(oracle: Oracle) -> None:
    published = {name for name in by_name(oracle.schema()) if name.startswith("mastra_")}

    assert set(mastra_tables()) == published


def test_schema_is_validated_as_the_published_one(oracle: Oracle) -> None:
    assert mastra_schema().to_json()["schemaValidation"] is oracle.schema()["schemaValidation"] is True


def test_native_vector_table_is_that_of_the_published_function(oracle: Oracle) -> None:
    ours = define_schema({"docs_vectors": define_native_vector_table(dimensions=3)}).to_json()

    assert ours["tables"] == [by_name(oracle.schema())["docs_vectors"]]


# The README writes tables with filter fields by hand; ours must give what such a table exports.
def test_native_vector_table_with_filter_fields_is_that_written_by_hand(oracle: Oracle) -> None:
    optional_any = v.optional(v.any())
    table = define_native_vector_table(dimensions=3, filter_fields={"label": optional_any, "tenant": optional_any})

    ours = define_schema({"notes_vectors": table}).to_json()

    assert ours["tables"] == [by_name(oracle.schema())["notes_vectors"]]


def test_native_vector_index_can_have_another_name() -> None:
    table = define_native_vector_table(dimensions=4, index_name="by_meaning")

    assert [(index.name, index.dimensions) for index in table.vector_indexes] == [("by_meaning", 4)]


# mastra_tables() is meant to be put beside one's own tables; adding one must not change the next caller's.
def test_tables_are_handed_out_as_a_copy() -> None:
    tables = mastra_tables()
    tables["my_notes"] = define_native_vector_table(dimensions=2)

    assert "my_notes" not in mastra_tables()


@pytest.mark.parametrize("dimensions", [2, 4096])
def test_dimensions_of_a_native_vector_table_reach_from_2_to_4096(dimensions: int) -> None:
    schema = define_schema({"edge_vectors": define_native_vector_table(dimensions=dimensions)})

    assert schema.tables["edge_vectors"].vector_indexes[0].dimensions == dimensions


@pytest.mark.parametrize("dimensions", [1, 4097])
def test_other_dimensions_are_refused(dimensions: int) -> None:
    with pytest.raises(SchemaDefinitionError, match="between 2 and 4096"):
        define_schema({"edge_vectors": define_native_vector_table(dimensions=dimensions)})

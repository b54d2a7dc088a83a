"""The native vector indexes of a schema, as ``ConvexNativeVector`` wants to be told of them."""

from __future__ import annotations

from collections.abc import Mapping

from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.sources import load_schema
from convex_mastra_emulator.stores import NativeVectorIndex
from pytest_mastra_convex.targets import SchemaSource


def native_indexes(source: SchemaSource) -> Mapping[str, NativeVectorIndex]:
    """One index per table with a vector index, called like its table.

    Raises:
        SourceError: when the schema cannot be had.
    """
    schema = _schema_of(source)
    return {
        name: NativeVectorIndex(
            table_name=name,
            vector_index_name=table.vector_indexes[0].name,
            dimension=int(table.vector_indexes[0].dimensions),
            filter_fields=table.vector_indexes[0].filter_fields,
        )
        for name, table in schema.tables.items()
        if table.vector_indexes
    }


def _schema_of(source: SchemaSource) -> Schema:
    if source is None:
        return mastra_schema()
    return source if isinstance(source, Schema) else load_schema(source)

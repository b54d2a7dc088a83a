"""Schemas: what a deployment's tables may hold and how they are indexed.

>>> from convex_mastra_emulator.schema import define_schema, define_table, v
>>> define_schema({"notes": define_table({"text": v.string()}).index("by_text", ["text"])})  # doctest: +ELLIPSIS
Schema(...)
"""

from convex_mastra_emulator.schema.build import define_schema, define_table, v
from convex_mastra_emulator.schema.definition import (
    IndexDefinition,
    TableDefinition,
    TextIndexDefinition,
    VectorIndexDefinition,
)
from convex_mastra_emulator.schema.schema import Schema

__all__ = [
    "IndexDefinition",
    "Schema",
    "TableDefinition",
    "TextIndexDefinition",
    "VectorIndexDefinition",
    "define_schema",
    "define_table",
    "v",
]

"""The schema of the recordings' deployment: ``convex/schema.ts`` as far as the scenarios use it."""

from __future__ import annotations

from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import Schema, define_schema, v


def schema_of_recordings() -> Schema:
    """Mastra's tables and ``notes_vectors``."""
    fields = {name: v.optional(v.any()) for name in ("label", "tenant")}
    notes = define_native_vector_table(dimensions=3, filter_fields=fields)
    return define_schema({**mastra_tables(), "notes_vectors": notes})

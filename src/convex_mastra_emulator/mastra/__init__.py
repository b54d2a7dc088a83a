"""Mastra's functions and tables, as `@mastra/convex` 1.5.2 deploys them.

Ported from behaviour: mastra-adapter.md, and npm @mastra/convex 1.5.2 where it is the last word.
"""

from convex_mastra_emulator.mastra.deployment import MASTRA_FUNCTIONS
from convex_mastra_emulator.mastra.tables import define_native_vector_table, mastra_schema, mastra_tables

__all__ = ["MASTRA_FUNCTIONS", "define_native_vector_table", "mastra_schema", "mastra_tables"]

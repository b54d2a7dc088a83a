"""Hypothesis strategies for tests of Mastra on Convex: values, documents, programs, and Mastra's records.

All of them draw what a deployment takes, shrink towards the simplest of it, and talk to nobody.

>>> from hypothesis import find
>>> find(threads(), lambda thread: True).title
''
"""

from pytest_mastra_convex.strategies.mastra import messages, resources, scores, threads, workflow_snapshots
from pytest_mastra_convex.strategies.programs import programs
from pytest_mastra_convex.strategies.values import convex_values, documents, field_names
from pytest_mastra_convex.strategies.vectors import filters, metadata, native_filters, vectors

__all__ = [
    "convex_values",
    "documents",
    "field_names",
    "filters",
    "messages",
    "metadata",
    "native_filters",
    "programs",
    "resources",
    "scores",
    "threads",
    "vectors",
    "workflow_snapshots",
]

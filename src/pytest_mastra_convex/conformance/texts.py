"""What the cases on text search begin with: texts under names, and what a search finds of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_mastra_convex.probe import Expression, Probe, SearchOptions, Step, insert, query

TEXTS = "conformance_texts"
INDEX = "by_body"
"""Its search field is body, its only filter field is group."""


def put(name: str, body: Any, **fields: Any) -> Step:
    """Stores a text under a name."""
    return insert(TEXTS, {"name": name, "body": body, **fields})


def store(probe: Probe, **bodies: Any) -> dict[str, str]:
    """Stores texts under names, in this order; returns the ids by name."""
    steps = probe.mutation(*(put(name, body) for name, body in bodies.items()))
    return dict(zip(bodies, [step.value for step in steps], strict=True))


def words(text: Any, *eq: Expression) -> SearchOptions:
    """A search of the texts, with conditions on the filter field."""
    return {"index": INDEX, "field": "body", "text": text, "eq": eq}


def searched(text: Any, *eq: Expression) -> Step:
    """The step that searches the texts; answers the names, the best first."""
    return query(TEXTS, search=words(text, *eq), select=["name"])


def names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The names of what was found, in its order."""
    return [row["name"] for row in rows]


def found(probe: Probe, text: Any, *eq: Expression) -> list[str]:
    """The names of the texts that are found, the best first."""
    return names(probe.query(searched(text, *eq))[0].value)

"""In which order an index has values: what the cases of the total order have in common."""

from __future__ import annotations

from typing import Any

from pytest_mastra_convex.conformance.things import THINGS, names_of, store
from pytest_mastra_convex.probe import Probe


def order_of(probe: Probe, **keys: Any) -> list[str]:
    """Stores a document for each key, in the order given; returns their names in the order of the index by_key."""
    store(probe, *({"key": key, "name": name} for name, key in keys.items()))
    return names_of(probe.collect(THINGS, index="by_key"))

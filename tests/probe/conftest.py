"""An emulator that has the probe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.schema import define_schema, define_table, v
from pytest_mastra_convex.probe import FUNCTIONS, Probe

SCHEMA = define_schema(
    {
        "conformance_things": define_table(v.any()).index("by_key", ["key"]).index("by_a_b", ["a", "b"]),
        "conformance_loose_vectors": define_table(v.any()).vector_index(
            "by_embedding", vector_field="embedding", dimensions=2, filter_fields=["group"]
        ),
    }
)


@pytest.fixture
def emulator(clock: ManualClock) -> Iterator[Emulator]:
    with Emulator(SCHEMA, seed=1, clock=clock) as emulator:
        for path, function in FUNCTIONS.items():
            emulator.define(path, function)
        yield emulator


@pytest.fixture
def probe(emulator: Emulator) -> Probe:
    return Probe(emulator)

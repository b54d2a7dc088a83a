"""Settings of the generated tests, and the schema both sides have."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from convex_mastra_emulator.schema import Schema
from tests.node_project import Oracle

# The same examples on every run, so that a red run is a change of ours; `EXAMPLES` of fresh ones look for new faults.
settings.register_profile(
    "differential",
    max_examples=int(os.environ.get("EXAMPLES", "25")),
    derandomize="EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("differential")


@pytest.fixture(scope="session")
def schema(oracle: Oracle) -> Schema:
    """The tables of `convex/schema.ts`."""
    return Schema.from_json(oracle.schema())

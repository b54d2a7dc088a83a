"""Settings of the generated tests, and the schema both sides have."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from convex_mastra_emulator.schema import Schema
from tests.differential.pair import Pair
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


class Pairs:
    """Makes pairs; fresh ones, on the one oracle of the session."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._schema = Schema.from_json(oracle.schema())

    def __call__(self) -> Pair:
        return Pair(self._oracle, self._schema)

    def __repr__(self) -> str:
        return "new_pair"


@pytest.fixture(scope="session")
def new_pair(oracle: Oracle) -> Pairs:
    """Gives an empty emulator beside the emptied oracle."""
    return Pairs(oracle)

"""Settings of the generated tests, and the schema both sides have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

import pytest
from hypothesis import HealthCheck, Phase, settings

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.schema import Schema
from pytest_mastra_convex.node_project import Oracle
from tests.differential.pair import START_MS, EmulatorSide, EqualPair, OracleSide, Pair, TypeScriptSide

# The same examples on every run, so that a red run is a change of ours.  To look for new faults, EXAMPLES=1000 draws as
# many fresh ones and makes a failing one small, which may take minutes: then give --timeout=0, too.
_FRESH_EXAMPLES = os.environ.get("EXAMPLES")
settings.register_profile(
    "differential",
    max_examples=int(_FRESH_EXAMPLES or "150"),
    derandomize=_FRESH_EXAMPLES is None,
    phases=[Phase.generate, Phase.shrink] if _FRESH_EXAMPLES else [Phase.generate],
    report_multiple_bugs=False,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def examples_of_the_differential_suite() -> Iterator[None]:
    """For these tests only: a profile is one of the whole process."""
    settings.load_profile("differential")
    yield
    settings.load_profile("tests")


class Pairs(Protocol):
    """Makes pairs."""

    def __call__(self) -> Pair:
        """A fresh one."""


class PairsWithOracle:
    """Makes pairs on the one oracle of the session."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._schema = Schema.from_json(oracle.schema())

    def __call__(self) -> Pair:
        return Pair(EmulatorSide.new(self._schema, START_MS), OracleSide(self._oracle, START_MS))

    def __repr__(self) -> str:
        return "new_pair"


class PairsWithTypeScript:
    """Makes pairs of the functions in Python and those in TypeScript, both on our engine."""

    def __init__(self, deployed: Emulator) -> None:
        self._deployed = deployed

    def __call__(self) -> Pair:
        in_python = EmulatorSide.new(self._deployed.schema, START_MS)
        return EqualPair(in_python, TypeScriptSide.copy_of(self._deployed, START_MS))

    def __repr__(self) -> str:
        return "new_pair"


@pytest.fixture(scope="session")
def new_pair_with_oracle(oracle: Oracle) -> Pairs:
    """Gives an empty emulator beside the emptied oracle."""
    return PairsWithOracle(oracle)


@pytest.fixture(scope="session", params=["oracle", "typescript"])
def new_pair(request: pytest.FixtureRequest) -> Pairs:
    """Gives an empty emulator beside the emptied oracle, or beside one with TypeScript deployed."""
    if request.param == "oracle":
        return PairsWithOracle(request.getfixturevalue("oracle"))
    return PairsWithTypeScript(request.getfixturevalue("deployed"))

"""The state machine on the emulator and the oracle: 10,000 operations, and not one difference that is not registered.

And on the emulator and the same engine with TypeScript deployed: there nothing is forgiven.

The same ones on every run, so that a red run is a change of ours.  `make differential` plays many more, which are
fresh; the name of a failing test holds its seed, and `make differential STEPS=2500 SEED=…` plays it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from convex_mastra_emulator import ConnectedDeployment, Deployment, Emulator, ManualClock, connect
from convex_mastra_emulator.schema import Schema
from pytest_mastra_convex.machine import DeploymentMachine, deployment_machine, run_steps
from pytest_mastra_convex.node_project import Oracle
from pytest_mastra_convex.probe import CONFORMANCE_TABLES, FUNCTIONS
from tests.differential.pair import START_MS

STEPS_PER_TEST = 2500
STEPS = int(os.environ.get("STEPS", "10000"))
IS_FRESH = "SEED" in os.environ
FIRST_SEED = int(os.environ.get("SEED", "1"))
# A test begins a new seed for each of its examples' batches, of which it needs fewer than this.
SEEDS_PER_TEST = 100


@pytest.fixture(scope="module")
def connected(oracle: Oracle) -> Iterator[ConnectedDeployment]:
    with connect(oracle.url) as deployment:
        yield deployment


@pytest.fixture
def machine(oracle: Oracle, connected: ConnectedDeployment) -> type[DeploymentMachine]:
    schema = Schema.from_json(oracle.schema())

    @contextmanager
    def open_pair() -> Iterator[tuple[Deployment, Deployment]]:
        oracle.reset(now=START_MS)
        with Emulator(schema, seed=1, clock=ManualClock(START_MS / 1000)) as emulator:
            for path, function in FUNCTIONS.items():
                emulator.define(path, function)
            yield emulator, connected

    return deployment_machine(open_pair, schema, tables=CONFORMANCE_TABLES, against_oracle=True)


@pytest.fixture
def machine_with_typescript(deployed: Emulator) -> type[DeploymentMachine]:
    @contextmanager
    def open_pair() -> Iterator[tuple[Deployment, Deployment]]:
        with Emulator(deployed.schema, seed=1, clock=ManualClock()) as emulator:
            for path, function in FUNCTIONS.items():
                emulator.define(path, function)
            yield emulator, deployed.clone(seed=1, clock=ManualClock())

    return deployment_machine(open_pair, deployed.schema, tables=CONFORMANCE_TABLES)


SEEDS = pytest.mark.parametrize(
    "seed", [FIRST_SEED + number * SEEDS_PER_TEST for number in range(-(-STEPS // STEPS_PER_TEST))]
)


@SEEDS
def test_emulator_does_what_convex_test_does(machine: type[DeploymentMachine], seed: int) -> None:
    played = run_steps(machine, STEPS_PER_TEST, seed=seed, shrink=IS_FRESH)

    assert played == machine.steps_played
    assert played >= STEPS_PER_TEST


@SEEDS
def test_typescript_does_what_python_does(machine_with_typescript: type[DeploymentMachine], seed: int) -> None:
    played = run_steps(machine_with_typescript, STEPS_PER_TEST, seed=seed, shrink=IS_FRESH)

    assert played == machine_with_typescript.steps_played
    assert played >= STEPS_PER_TEST

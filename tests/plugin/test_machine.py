"""The state machine on two emulators: it finds planted faults, and nothing where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, Emulator, ManualClock, connect
from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.schema.definition import TableDefinition
from pytest_mastra_convex.machine import OpenPair, deployment_machine, run_steps
from pytest_mastra_convex.probe import FUNCTIONS, log

# A fault shows within so many operations, or the machine does not look there.
STEPS_TO_A_FAULT = 3000
OWN_TABLES: dict[str, TableDefinition] = {
    "notes": define_table(v.any()).index("by_a_b", ["a", "b"]).index("by_nested", ["nested.value"]),
    "authors": define_table({"name": v.string(), "note": v.optional(v.id("notes"))}).index("by_name", ["name"]),
    "points": define_table({"embedding": v.array(v.float64()), "group": v.optional(v.string())}).vector_index(
        "by_embedding", vector_field="embedding", dimensions=2, filter_fields=["group"]
    ),
}
SCHEMA = define_schema({**mastra_schema().tables, **OWN_TABLES})

Program = list[dict[str, Any]]
Change = Callable[[Program], Program]


def new_emulator(seed: int) -> Emulator:
    emulator = Emulator(SCHEMA, seed=seed, clock=ManualClock())
    for path, function in FUNCTIONS.items():
        emulator.define(path, function)
    return emulator


class Faulty:
    """A deployment that runs other programs than it was given."""

    def __init__(self, inner: Deployment, change: Change) -> None:
        self._inner = inner
        self._change = change

    def query(self, path: str, args: Any = None) -> Any:
        return self._inner.query(path, self._changed(args))

    def mutation(self, path: str, args: Any = None) -> Any:
        return self._inner.mutation(path, self._changed(args))

    def action(self, path: str, args: Any = None) -> Any:
        return self._inner.action(path, self._changed(args))

    def _changed(self, args: Any) -> Any:
        return {"program": json.dumps(self._change(json.loads(args["program"])))} if "program" in args else args


def in_each_step(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    def changed(program: Program) -> Program:
        return [
            change({**step, "program": changed(step["program"])} if "program" in step else step) for step in program
        ]

    return changed


def without(name: str) -> Change:
    return in_each_step(lambda step: {key: item for key, item in step.items() if key != name})


def without_throws(program: Program) -> Program:
    return [log() if step["op"] in ("throw", "throwConvex") else step for step in program]


def from_the_beginning(step: dict[str, Any]) -> dict[str, Any]:
    return {**step, "paginate": {**step["paginate"], "cursor": None}} if "paginate" in step else step


def without_upper_bounds(step: dict[str, Any]) -> dict[str, Any]:
    return {**step, "range": [bound for bound in step["range"] if bound["op"] != "lte"]} if "range" in step else step


FAULTS: dict[str, Change] = {
    "order": without("order"),
    "filter": without("filter"),
    "limit of a search": in_each_step(lambda step: {**step, "limit": 256.0} if step["op"] == "vectorSearch" else step),
    "errors that end nothing": without_throws,
    "deletion": in_each_step(lambda step: {**step, "op": "get"} if step["op"] == "delete" else step),
    "replacement": in_each_step(lambda step: {**step, "op": "patch"} if step["op"] == "replace" else step),
    "cursor": in_each_step(from_the_beginning),
    "upper bound": in_each_step(without_upper_bounds),
}


def pair_with(change: Change) -> OpenPair:
    @contextmanager
    def open_pair() -> Iterator[tuple[Deployment, Deployment]]:
        with new_emulator(1) as first, new_emulator(2) as second:
            yield Faulty(first, change), second

    return open_pair


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault: str) -> None:
    machine = deployment_machine(pair_with(FAULTS[fault]), SCHEMA, tables=list(OWN_TABLES), mastra=False)

    with pytest.raises(AssertionError, match="first answered"):
        run_steps(machine, STEPS_TO_A_FAULT, seed=1)


class WithoutRollback(Faulty):
    """Keeps what a mutation wrote before it failed."""

    def __init__(self, inner: Deployment) -> None:
        super().__init__(inner, without_throws)

    def query(self, path: str, args: Any = None) -> Any:
        return self._inner.query(path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        changed = self._changed(args)
        if json.loads(changed["program"]) != json.loads(args["program"]):
            self._inner.mutation(path, changed)
        return self._inner.mutation(path, args)

    def action(self, path: str, args: Any = None) -> Any:
        return self._inner.action(path, args)


# The only sign of it is what the tables hold after a mutation failed: the error itself is right.
def test_missing_rollback_is_found() -> None:
    @contextmanager
    def open_pair() -> Iterator[tuple[Deployment, Deployment]]:
        with new_emulator(1) as first, new_emulator(2) as second:
            yield WithoutRollback(first), second

    machine = deployment_machine(open_pair, SCHEMA, tables=list(OWN_TABLES), mastra=False)

    with pytest.raises(AssertionError, match="first answered"):
        run_steps(machine, STEPS_TO_A_FAULT, seed=1)


def test_fault_of_a_mastra_function_is_found() -> None:
    class Forgetful(Faulty):
        """Says that rows were deleted and keeps them."""

        def mutation(self, path: str, args: Any = None) -> Any:
            if args.get("op") == "deleteMany":
                return {"ok": True}
            return self._inner.mutation(path, args)

    @contextmanager
    def open_pair() -> Iterator[tuple[Deployment, Deployment]]:
        with new_emulator(1) as first, new_emulator(2) as second:
            yield Forgetful(first, lambda program: program), second

    machine = deployment_machine(open_pair, SCHEMA, tables=["notes"])

    with pytest.raises(AssertionError, match="mastra"):
        run_steps(machine, STEPS_TO_A_FAULT, seed=1)


# A difference says what was played, and how both answered it.
def test_difference_shows_program_and_answers() -> None:
    machine = deployment_machine(pair_with(FAULTS["deletion"]), SCHEMA, tables=["notes"], mastra=False)

    with pytest.raises(AssertionError) as failed:
        run_steps(machine, STEPS_TO_A_FAULT, seed=1)

    text = str(failed.value)
    assert '"op": "' in text.splitlines()[0]
    assert "--- expected\n+++ found" in text
    assert "first answered: " in text
    assert "second answered: " in text


# Ids, cursors and times are each deployment's own, and so is the text that goes over a socket.
def test_emulator_and_its_server_are_the_same() -> None:
    @contextmanager
    def open_pair() -> Iterator[tuple[Deployment, Deployment]]:
        with new_emulator(1) as first, Emulator(SCHEMA, seed=2) as second:
            for path, function in FUNCTIONS.items():
                second.define(path, function)
            with second.serve() as served, connect(served.url, served.admin_key) as connected:
                yield first, connected

    machine = deployment_machine(open_pair, SCHEMA, tables=list(OWN_TABLES))

    assert run_steps(machine, 500, seed=1) >= 500


def test_same_seed_plays_the_same() -> None:
    played: list[list[str]] = []

    def recording(program: Program) -> Program:
        played[-1].append(json.dumps(program))
        return program

    for _ in range(2):
        played.append([])
        run_steps(deployment_machine(pair_with(recording), SCHEMA, tables=["notes"], mastra=False), 50, seed=5)

    assert played[0] == played[1]


@pytest.mark.parametrize("tables", [[], ["nothing"]])
def test_tables_must_be_of_the_schema(tables: list[str]) -> None:
    with pytest.raises(ValueError, match="tables must be some of notes, authors, points"):
        deployment_machine(pair_with(lambda program: program), define_schema(OWN_TABLES), tables=tables)

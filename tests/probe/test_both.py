"""The interpreters in Python and in TypeScript do the same: programs on the emulator and on the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from convex_mastra_emulator import ConnectedDeployment, ConvexError, Emulator, FunctionError, ManualClock, connect
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.values.codec import encode
from pytest_mastra_convex.comparison import assert_same, canonical_text, same_text
from pytest_mastra_convex.node_project import Oracle
from pytest_mastra_convex.probe import CONFORMANCE_TABLES, FUNCTIONS, Probe, StepResult, query, undefined
from tests.probe.programs import PROGRAMS, THINGS, Program

NOW_MS = 1_700_000_000_000
# The emulator computes scores with 24 bits of precision, convex-test with 53 (divergence "vector-score-precision").
SCORE_DIGITS = 5


@pytest.fixture
def emulated(oracle: Oracle) -> Iterator[Emulator]:
    with Emulator(Schema.from_json(oracle.schema()), seed=1, clock=ManualClock(NOW_MS / 1000)) as emulator:
        for path, function in FUNCTIONS.items():
            emulator.define(path, function)
        yield emulator


@pytest.fixture(scope="module")
def connected(oracle: Oracle) -> Iterator[ConnectedDeployment]:
    with connect(oracle.url) as deployment:
        yield deployment


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and what it left in the tables; the ids are named in the order in which they turn up."""

    results: Any
    tables: Any


def outcome_of(probe: Probe, program: Program) -> Outcome:
    kind, steps = program
    run = {"query": probe.query, "mutation": probe.mutation, "action": probe.action}[kind]
    names: dict[str, str] = {}
    try:
        results = [plain(result) for result in run(*steps)]
    except ConvexError as error:
        return Outcome({"thrown": canonical(encode(error.data), names)}, left_by(probe, names))
    except FunctionError as error:
        return Outcome({"thrown": canonical_text(error.message)}, left_by(probe, names))
    return Outcome(canonical(results, names), left_by(probe, names))


def left_by(probe: Probe, names: dict[str, str]) -> Any:
    return canonical([encode(probe.collect(table)) for table in CONFORMANCE_TABLES], names)


def plain(result: StepResult) -> Any:
    """A result as encoded JSON."""
    if result.error is not None:
        # Frames differ: the interpreters are different programs.
        text = canonical_text(result.error.split("\n    at ")[0])
        return {"error": text, "data": None if result.data is undefined else [encode(result.data)]}
    inner = result.answer
    if isinstance(inner, list) and inner and isinstance(inner[0], StepResult):
        return {"value": [plain(each) for each in inner]}
    return {"value": encode(inner)}


def canonical(json: Any, names: dict[str, str]) -> Any:
    """Without what is each deployment's own: ids, creation times, cursors, the last digits of scores."""
    if isinstance(json, list):
        return [canonical(item, names) for item in json]
    if isinstance(json, str):
        is_id = len(json) == 32 and json.isascii() and " " not in json
        return names.setdefault(json, f"document {len(names)}") if is_id else json
    if not isinstance(json, dict):
        return json
    return {name: canonical_member(name, item, names) for name, item in sorted(json.items())}


def canonical_member(name: str, json: Any, names: dict[str, str]) -> Any:
    if name in ("_creationTime", "continueCursor"):
        return name
    return round(json, SCORE_DIGITS) if name == "_score" else canonical(json, names)


def assert_same_results(emulated: Any, expected: Any) -> None:
    """Texts of errors that mean the same are the same."""
    emulated, expected = with_same_texts(emulated, expected)
    assert_same("results", emulated, expected)


def with_same_texts(emulated: Any, expected: Any) -> tuple[Any, Any]:
    if isinstance(emulated, list) and isinstance(expected, list) and len(emulated) == len(expected):
        pairs = [with_same_texts(one, other) for one, other in zip(emulated, expected, strict=True)]
        return [one for one, _ in pairs], [other for _, other in pairs]
    if isinstance(emulated, dict) and isinstance(expected, dict) and emulated.keys() == expected.keys():
        members = {name: with_same_texts(emulated[name], expected[name]) for name in emulated}
        for name in members.keys() & {"error", "thrown"}:
            if isinstance(emulated[name], str) and isinstance(expected[name], str):
                members[name] = same_text(emulated[name], expected[name])
        return {name: pair[0] for name, pair in members.items()}, {name: pair[1] for name, pair in members.items()}
    return emulated, expected


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(oracle: Oracle, connected: ConnectedDeployment, emulated: Emulator, name: str) -> None:
    oracle.reset(now=NOW_MS)

    emulator_outcome = outcome_of(Probe(emulated), PROGRAMS[name])
    oracle_outcome = outcome_of(Probe(connected), PROGRAMS[name])

    assert_same_results(emulator_outcome.results, oracle_outcome.results)
    assert_same("tables", emulator_outcome.tables, oracle_outcome.tables)


# The clients of the probe count on it between tests.
def test_clear_on_the_oracle(oracle: Oracle, connected: ConnectedDeployment) -> None:
    oracle.reset(now=NOW_MS)
    probe = Probe(connected)
    probe.insert(THINGS, {"a": 1})

    assert probe.clear() == 1
    assert probe.query(query(THINGS, count=True))[0].value == 0.0


def test_about_on_the_oracle(connected: ConnectedDeployment) -> None:
    assert Probe(connected).about()["probe"] == 1.0

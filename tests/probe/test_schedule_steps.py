"""Steps that schedule: what the builders write, and what the interpreter does with it."""

from __future__ import annotations

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from pytest_mastra_convex.probe import (
    Probe,
    cancel,
    insert,
    outer,
    ref,
    run_after,
    run_at,
    system_get,
    system_query,
)

THINGS = "conformance_things"


def test_a_program_goes_with_the_function_that_runs_it() -> None:
    assert run_after(5, insert(THINGS, {}), function="action") == {
        "op": "runAfter",
        "delay": 5.0,
        "program": [{"op": "insert", "table": THINGS, "value": {}}],
        "function": "action",
    }


def test_a_path_goes_with_its_arguments() -> None:
    assert run_at(5, path="a:b", args={"n": 1}) == {"op": "runAt", "time": 5.0, "path": "a:b", "args": {"n": 1.0}}


def test_system_steps_are_written_as_the_others() -> None:
    assert cancel(ref(0)) == {"op": "cancel", "id": {"$ref": 0}}
    assert system_get("x", table="_storage") == {"op": "systemGet", "id": "x", "table": "_storage"}
    assert system_query("_storage", take=1) == {"op": "systemQuery", "table": "_storage", "take": 1.0}


# A program that runs later has no answers of its caller to look into: they are put in when it is scheduled.
def test_answers_of_the_caller_are_put_in(emulator: Emulator) -> None:
    probe = Probe(emulator)
    stored, _ = probe.mutation(
        insert(THINGS, {"key": "a"}), run_after(0, insert(THINGS, {"key": "b", "first": outer(0)}))
    )

    emulator.scheduler.run_due()

    assert [thing.get("first") for thing in probe.collect(THINGS)] == [None, stored.value]


def test_its_answer_is_an_id(emulator: Emulator) -> None:
    [job] = Probe(emulator).mutation(run_after(0, insert(THINGS, {})))

    assert isinstance(job.value, str)


def test_a_step_without_a_function_is_malformed(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="probe: runAfter needs path or program"):
        Probe(emulator).mutation({"op": "runAfter", "delay": 0})


def test_queries_cannot_schedule(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="probe: runAfter is nothing for a query"):
        Probe(emulator).query(run_after(0))

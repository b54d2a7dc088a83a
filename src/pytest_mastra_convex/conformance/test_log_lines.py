"""What functions log: the lines that a failed call brings back, and how values are written in them."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.probe import Probe, log, repeat, run_mutation, run_query, throw


# What a failed function had logged is often all there is to find the fault by.
@pytest.mark.diverges("log-lines")
@pytest.mark.parametrize(
    ("level", "line"),
    [
        ("log", "[LOG] 'seen' 5"),
        ("debug", "[DEBUG] 'seen' 5"),
        ("info", "[INFO] 'seen' 5"),
        ("warn", "[WARN] 'seen' 5"),
        ("error", "[ERROR] 'seen' 5"),
    ],
    ids=["log", "debug", "info", "warn", "error"],
)
def test_a_failed_function_tells_what_it_logged(probe: Probe, level: Any, line: str) -> None:
    with pytest.raises(FunctionError, match="stop") as caught:
        probe.mutation(log("seen", 5.0, level=level), throw("stop"))

    assert list(caught.value.log_lines) == [line]


# What is logged is mostly not text; this is how npm object-inspect, set up as deployments have it, shows values.
@pytest.mark.diverges("log-lines")
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param(-0.5, "-0.5", id="number"),
        pytest.param(1e21, "1e+21", id="large-number"),
        pytest.param(ConvexInt64(7), "7n", id="int64"),
        pytest.param("it's\n", r"'it\'s\n'", id="text"),
        pytest.param([1.0, [True, "a"]], "[ 1, [ true, 'a' ] ]", id="list"),
        pytest.param({"a": 1.0, "b": {}}, "{\n  a: 1,\n  b: {}\n}", id="object"),
        pytest.param([{"a b": 1.0}], "[\n  {\n    'a b': 1\n  }\n]", id="object-in-list"),
        pytest.param([[[[[[]]]]]], "[ [ [ [ [ [Array] ] ] ] ] ]", id="beyond-5-levels"),
    ],
)
def test_values_are_logged_as_object_inspect_shows_them(probe: Probe, value: Any, shown: str) -> None:
    with pytest.raises(FunctionError, match="stop") as caught:
        probe.mutation(log(value), throw("stop"))

    assert list(caught.value.log_lines) == [f"[LOG] {shown}"]


# The lines of called functions stand among the caller's, in the order in which they were written; not among those of an
# action, to whose callers only results come back (crates/application/src/application_function_runner/mod.rs).
@pytest.mark.diverges("log-lines")
@pytest.mark.parametrize(
    ("caller", "lines"),
    [
        pytest.param("mutation", ["[LOG] 'one'", "[LOG] 'two'", "[LOG] 'three'", "[LOG] 'four'"], id="mutation"),
        pytest.param("action", ["[LOG] 'one'", "[LOG] 'four'"], id="action"),
    ],
)
def test_log_lines_of_called_functions(probe: Probe, caller: str, lines: list[str]) -> None:
    steps = (log("one"), run_mutation(log("two")), run_query(log("three")), log("four"), throw("stop"))

    with pytest.raises(FunctionError, match="stop") as caught:
        getattr(probe, caller)(*steps)

    assert list(caught.value.log_lines) == lines


# A loop that logs: 256 lines and no more, the last of which says that there were others.
@pytest.mark.diverges("log-lines")
@pytest.mark.parametrize(
    ("times", "last"),
    [
        pytest.param(255, "[LOG] 'again'", id="255"),
        pytest.param(257, "[ERROR] Log overflow (maximum 256). Remaining log lines omitted.", id="257"),
    ],
)
def test_there_are_at_most_256_log_lines(probe: Probe, times: int, last: str) -> None:
    with pytest.raises(FunctionError, match="stop") as caught:
        probe.mutation({**log("again"), "times": times}, throw("stop"))

    assert len(caught.value.log_lines) == min(times, 256)
    assert caught.value.log_lines[-1] == last


# A line of 32 KiB is kept whole: the quotes of the text are two of its bytes.
@pytest.mark.diverges("log-lines")
def test_a_line_of_32_kib_is_kept_whole(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="stop") as caught:
        probe.mutation(log(repeat("x", 32_766)), throw("stop"))

    assert list(caught.value.log_lines) == [f"[LOG] '{'x' * 32_766}'"]


# One byte more, as whoever logs a whole conversation will see: the end is cut off, and the line says so.
@pytest.mark.diverges("log-lines")
def test_a_line_of_more_than_32_kib_is_cut(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="stop") as caught:
        probe.mutation(log(repeat("x", 32_767)), throw("stop"))

    assert list(caught.value.log_lines) == [f"[LOG] '{'x' * 32_767} (truncated due to length)"]


# Logging is no failure: the function goes on, and nothing of the lines is in its answer.
def test_logging_does_not_change_the_answer(probe: Probe) -> None:
    answers = probe.query(log("one"), log("two", level="error"))

    assert [(answer.value, answer.error) for answer in answers] == [(None, None), (None, None)]

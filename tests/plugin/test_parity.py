"""The results of several targets put together: order, outcomes, and which calls differ."""

import pytest

from pytest_mastra_convex.parity import NOT_RUN, CallLog, compared_calls, parity_table
from tests.plugin.report_examples import RESULTS, result


def test_counts_of_a_target_cover_all_cases() -> None:
    table = parity_table(RESULTS)

    assert table.counts("server") == {"passed": 4, "failed": 1}
    assert table.counts("oracle") == {"passed": 2, "diverges": 1, "skipped": 1, NOT_RUN: 1}


def test_seconds_of_a_target_are_summed() -> None:
    assert parity_table(RESULTS).seconds("server") == pytest.approx(0.4 + 3 * 0.02 + 1.25)


# xdist hands results over in any order; two reports of one run should still look alike.
def test_order_does_not_depend_on_that_of_the_results() -> None:
    assert parity_table(reversed(RESULTS)) == parity_table(RESULTS)


def test_targets_come_as_in_the_register_and_others_after_them() -> None:
    results = [result("a.py::b", target) for target in ("mine", "live", "another", "oracle", "emulator")]

    assert parity_table(results).targets == ("emulator", "oracle", "live", "another", "mine")


@pytest.mark.parametrize(
    ("outcomes", "differs"),
    [
        (("passed", "passed"), False),
        (("passed", "skipped"), False),
        (("passed", "diverges"), True),
        (("failed", "failed"), True),
    ],
)
def test_row_differs_unless_it_holds_wherever_it_ran(outcomes: tuple[str, str], differs: bool) -> None:
    results = [
        result("a.py::b", target, outcome) for target, outcome in zip(("emulator", "live"), outcomes, strict=True)
    ]

    assert parity_table(results).rows[0].differs is differs


# A case that failed and passed when it was tried again is no case that holds.
@pytest.mark.parametrize("outcomes", [("failed", "passed"), ("passed", "failed")])
def test_failure_is_not_covered_by_another_try(outcomes: tuple[str, str]) -> None:
    table = parity_table([result("a.py::b", "emulator", outcome) for outcome in outcomes])

    assert table.rows[0].outcome("emulator") == "failed"


@pytest.mark.parametrize(
    ("case", "module", "name"),
    [("test_a.py::test_b[x::y]", "test_a.py", "test_b[x::y]"), ("test_a.py", "test_a.py", "test_a.py")],
)
def test_case_is_split_at_its_module(case: str, module: str, name: str) -> None:
    row = parity_table([result(case, "emulator")]).rows[0]

    assert (row.module, row.name) == (module, name)


def logs_of(**calls: str) -> list[CallLog]:
    """One letter is one call."""
    return compared_calls(parity_table([result("a", target, calls=tuple(calls[target])) for target in calls]).rows[0])


def a_log(targets: tuple[str, ...], lines: str, marks: str) -> CallLog:
    return CallLog(targets=targets, lines=tuple(lines), differs=tuple(mark == "x" for mark in marks))


def test_lines_that_are_not_the_same_are_marked() -> None:
    assert logs_of(emulator="abcd", oracle="aXcd") == [
        a_log(("emulator",), "abcd", ".x.."),
        a_log(("oracle",), "aXcd", ".x.."),
    ]


# One call more must not make all that follow it look different.
def test_line_that_is_missing_does_not_mark_the_rest() -> None:
    assert logs_of(emulator="abcd", oracle="acd") == [
        a_log(("emulator",), "abcd", ".x.."),
        a_log(("oracle",), "acd", "..."),
    ]


# Python's comparison leaves lines out that come often, in logs of 200 lines and more.
def test_long_logs_are_compared_line_by_line() -> None:
    emulated, expected = logs_of(emulator="ab" * 150, oracle="Xb" + "ab" * 149)

    assert (sum(emulated.differs), sum(expected.differs)) == (1, 1)


def test_targets_with_the_same_calls_share_a_log() -> None:
    assert logs_of(emulator="ab", server="ab", oracle="aX", live="ab") == [
        a_log(("emulator", "server", "live"), "ab", ".x"),
        a_log(("oracle",), "aX", ".x"),
    ]


def test_targets_without_calls_have_no_log() -> None:
    assert logs_of(emulator="", oracle="a") == [a_log(("oracle",), "a", ".")]
    assert logs_of(emulator="", oracle="") == []

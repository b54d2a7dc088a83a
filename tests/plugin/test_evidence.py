"""What a run has shown: the parity report and the ledger, written by whole runs of a suite and by nothing less."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_mastra_convex import divergences, evidence

FIRST = """
import pytest

# Guards against something.
# It is why.
def test_one(convex_server_cache):
    convex_server_cache.set("k", 1)

@pytest.mark.parametrize("n", [1, 2])
def test_two(convex_deployment, n):
    pass

def test_without_deployment():
    pass
"""
SECOND = """
import pytest

@pytest.mark.diverges("known")
def test_three(convex_target, convex_deployment):
    assert convex_target.name == "emulator"
"""
# Workers of xdist read it, too.
CONFTEST = """
from pathlib import Path
from pytest_mastra_convex import divergences, evidence

KNOWN = divergences.Divergence(
    id="known", kind="upstream", target="oracle", shown_by="conformance", since="2026-11-21", source="a source",
    reason="It differs.",
)
evidence.CONFORMANCE = Path(__file__).parent / "suite"
divergences.load_divergences = lambda: {"known": KNOWN}
"""
TODAY = datetime.now(UTC).date().isoformat()
Suite = Callable[..., pytest.RunResult]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Runs a suite of two modules as if it were the conformance suite."""
    folder = pytester.mkdir("suite")
    (folder / "test_first.py").write_text(FIRST)
    (folder / "test_second.py").write_text(SECOND)
    pytester.makeconftest(CONFTEST)
    # What the conftest changes in this process is put back afterwards.
    monkeypatch.setattr(evidence, "CONFORMANCE", folder)
    monkeypatch.setattr(divergences, "load_divergences", divergences.load_divergences)

    def run(*args: str) -> pytest.RunResult:
        return pytester.runpytest("suite", "--convex-target=emulator", "--convex-target=oracle", *args)

    return run


def ledger(path: Path) -> dict[str, Any]:
    cases: dict[str, Any] = json.loads(path.read_text())["cases"]
    return cases


def test_whole_run_writes_the_ledger(suite: Suite, pytester: pytest.Pytester) -> None:
    suite("--convex-ledger=ledger.json").assert_outcomes(passed=8, xfailed=1)

    assert {case: sorted(targets) for case, targets in ledger(pytester.path / "ledger.json").items()} == {
        "test_first.py::test_one": ["emulator", "oracle"],
        "test_first.py::test_two[1]": ["emulator", "oracle"],
        "test_first.py::test_two[2]": ["emulator", "oracle"],
        "test_second.py::test_three": ["emulator", "oracle"],
    }


def test_run_with_xdist_writes_the_ledger(suite: Suite, pytester: pytest.Pytester) -> None:
    suite("--convex-ledger=ledger.json", "-n", "2")

    assert len(ledger(pytester.path / "ledger.json")) == 4


# A part of the suite that rewrote the ledger would drop the other cases, or date cases that did not run.
@pytest.mark.parametrize("narrowed", [["-k", "one"], ["--deselect", "suite/test_first.py::test_one"]])
def test_part_of_the_suite_writes_no_ledger(suite: Suite, pytester: pytest.Pytester, narrowed: list[str]) -> None:
    suite("--convex-ledger=ledger.json", *narrowed)

    assert not (pytester.path / "ledger.json").exists()


def test_one_module_writes_no_ledger(suite: Suite, pytester: pytest.Pytester) -> None:
    pytester.runpytest("suite/test_first.py", "--convex-ledger=ledger.json")

    assert not (pytester.path / "ledger.json").exists()


def test_run_that_stops_early_writes_no_ledger(suite: Suite, pytester: pytest.Pytester) -> None:
    (pytester.path / "suite" / "test_first.py").write_text("def test_bad(convex_deployment): assert False\n" + FIRST)

    suite("--convex-ledger=ledger.json", "-x", "-p", "no:randomly")

    assert not (pytester.path / "ledger.json").exists()


def test_failed_case_keeps_its_old_date(suite: Suite, pytester: pytest.Pytester) -> None:
    suite("--convex-ledger=ledger.json")
    path = pytester.path / "ledger.json"
    path.write_text(path.read_text().replace(TODAY, "2026-01-02"))
    (pytester.path / "suite" / "test_first.py").write_text(FIRST.replace('set("k", 1)', 'set("k", 1); assert False'))

    suite("--convex-ledger=ledger.json")

    assert ledger(path)["test_first.py::test_one"]["emulator"]["date"] == "2026-01-02"
    assert ledger(path)["test_first.py::test_two[1]"]["emulator"]["date"] != "2026-01-02"


def test_stale_case_fails_the_run(suite: Suite, pytester: pytest.Pytester) -> None:
    suite("--convex-ledger=ledger.json")
    path = pytester.path / "ledger.json"
    path.write_text(path.read_text().replace(TODAY, "2026-01-02"))

    result = pytester.runpytest("suite/test_second.py", "--convex-ledger=ledger.json", "--convex-stale-days=30")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["convex: stale: test_second.py::test_three last held on 2026-01-02 on the target emulator"]
    )


def test_case_that_never_held_is_stale(suite: Suite, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("suite/test_second.py", "--convex-ledger=none.json", "--convex-stale-days=30")

    result.stdout.fnmatch_lines(["convex: stale: test_second.py::test_three has never held on the target emulator"])


# An entry nobody shows any more is a difference that may be gone.
def test_registered_difference_that_no_case_shows_fails_a_whole_run(suite: Suite, pytester: pytest.Pytester) -> None:
    (pytester.path / "suite" / "test_second.py").write_text("def test_three(convex_deployment): pass\n")

    result = suite()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["convex: divergence 'known' is registered, but no case*shows it"])


def test_part_of_the_suite_need_not_show_every_difference(suite: Suite, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("suite/test_first.py", "--convex-target=oracle")

    assert result.ret == pytest.ExitCode.OK


def test_report_holds_every_case_and_target(suite: Suite, pytester: pytest.Pytester) -> None:
    result = suite("--convex-parity-report=report.html")

    result.stdout.fnmatch_lines(["convex: parity report report.html"])
    assert "It differs." in (pytester.path / "report.html").read_text()
    results = json.dumps(json.loads((pytester.path / "report.json").read_text()))
    assert "Guards against something.\\nIt is why." in results
    assert "mutation mastra/cache:handle" in results


def test_report_of_workers_is_one(suite: Suite, pytester: pytest.Pytester) -> None:
    suite("--convex-parity-report=report.html", "-n", "2")

    assert len(json.loads((pytester.path / "report.json").read_text())["results"]) == 8

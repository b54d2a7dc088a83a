"""What a run has shown: gathers the result of every case on every target, for the parity report and the ledger.

A run of the whole conformance suite may write the ledger, and must name every registered difference; a part of it
says nothing about the rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mastra_convex.fixtures import PLACE
from pytest_mastra_convex.options import SETTINGS

if TYPE_CHECKING:
    from pytest_mastra_convex.results import CaseResult

TARGET_FIXTURE = "convex_target"
CONFORMANCE = Path(__file__).parent / "conformance"
RESULT = "convex_result"
"""The attribute of a report that carries the result."""
_NARROWING = ("keyword", "markexpr", "deselect", "lf", "ignore", "ignore_glob", "stepwise")


def target_of(item: pytest.Item) -> str | None:
    """The target a test runs on; None if it uses none."""
    if TARGET_FIXTURE not in getattr(item, "fixturenames", ()):
        return None
    callspec = getattr(item, "callspec", None)
    parameters: dict[str, Any] = callspec.params if callspec is not None else {}
    name: str = parameters.get(TARGET_FIXTURE) or item.config.stash[SETTINGS].targets[0]
    return name


def is_conformance(item: pytest.Item) -> bool:
    """Whether a test belongs to the conformance suite."""
    return item.path.parent == CONFORMANCE


def case_of(item: pytest.Item) -> str:
    """The test without its target; those of the conformance suite by module, wherever it is installed."""
    name, bracket, parameters = item.name.partition("[")
    callspec = getattr(item, "callspec", None)
    if bracket and callspec is not None and TARGET_FIXTURE in callspec.params:
        target = callspec.params[TARGET_FIXTURE]
        rest = parameters.removesuffix("]").removeprefix(target).removeprefix("-")
        name = f"{name}[{rest}]" if rest else name
    else:
        name = item.name
    module = item.path.name if is_conformance(item) else item.nodeid.partition("::")[0]
    return f"{module}::{name}"


class EvidencePlugin:
    """Gathers results in every process and, in the one that reports, does with them what the options say."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings = config.stash[SETTINGS]
        self._results: dict[tuple[str, str], CaseResult] = {}
        self._report_page: Path | None = None
        self._cases: set[str] = set()
        self._divergences: set[str] = set()
        self._is_full = False
        self._problems: list[str] = []
        self._started = datetime.now(UTC)

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    # What is run

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Notes which cases there are, and whether they are all."""
        own = [item for item in session.items if is_conformance(item) and target_of(item) is not None]
        self._cases = {case_of(item) for item in own}
        self._divergences = {str(marker.args[0]) for item in own for marker in item.iter_markers("diverges")}
        modules = {item.path.name for item in own}
        self._is_full = modules == {path.name for path in CONFORMANCE.glob("test_*.py")} and not self._is_narrowed()
        if self._is_worker:
            output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]
            output["convex"] = [sorted(self._cases), sorted(self._divergences), self._is_full]

    def _is_narrowed(self) -> bool:
        options = self._config.option
        return any(getattr(options, name, None) for name in _NARROWING) or any("::" in arg for arg in self._config.args)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes over what a worker of xdist has collected; every one collects the same."""
        cases, divergences, self._is_full = getattr(node, "workeroutput", {}).get("convex", ([], [], False))
        self._cases, self._divergences = set(cases), set(divergences)

    # What came of it

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Writes what was asked for, and says what is missing."""
        if self._is_worker or session.config.option.collectonly:
            return
        if self._is_full:
            self._check_register()
        if self._settings.parity_report is not None:
            self._write_report(self._settings.parity_report)
        if self._settings.ledger is not None:
            self._use_ledger(self._settings.ledger)
        if self._problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says what was written, and why a run without a failed test failed."""
        if self._report_page is not None:
            terminalreporter.write_line(f"convex: parity report {self._report_page}")
        for problem in self._problems:
            terminalreporter.write_line(f"convex: {problem}", red=True)

    def _check_register(self) -> None:
        from pytest_mastra_convex.divergences import load_divergences, unmatched

        register, targets = load_divergences(), self._settings.targets
        for id in unmatched(register, self._divergences, "conformance", targets):
            self._problems.append(f"divergence {id!r} is registered, but no case of the conformance suite shows it")

    def _write_report(self, path: Path) -> None:
        from pytest_mastra_convex.divergences import load_divergences
        from pytest_mastra_convex.report import write_parity_report
        from pytest_mastra_convex.versions import versions

        self._report_page = write_parity_report(
            path, self._results.values(), versions(), self._started, register=load_divergences()
        )

    def _use_ledger(self, path: Path) -> None:
        from pytest_mastra_convex.ledger import Ledger
        from pytest_mastra_convex.versions import versions

        ledger, today = Ledger.load(path), self._started.date()
        expected = {(case, target) for case in self._cases for target in self._settings.targets}
        if self._is_full and self._results.keys() >= expected:
            results = [result for result in self._results.values() if result.case in self._cases]
            ledger.record(results, versions(), today, known_cases=self._cases)
            ledger.save(path)
        if self._settings.stale_days is not None:
            for entry in ledger.stale(self._settings.stale_days, today, sorted(self._cases), self._settings.targets):
                result = self._results.get((entry.case, entry.target))
                if result is not None and result.outcome == "skipped":
                    continue  # a case that is not for this target
                held = f"last held on {entry.held_on}" if entry.held_on else "has never held"
                self._problems.append(f"stale: {entry.case} {held} on the target {entry.target}")


class ResultsPlugin(EvidencePlugin):
    """The same, in a run that wants to know of every single test: these hooks cost each of them some time."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Adds the result to the report, which travels from a worker of xdist to the controller."""
        report = yield
        target = target_of(item)
        if target is not None and (report.when == "call" or report.failed or report.skipped):
            setattr(report, RESULT, _result(item, target, report).to_json())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the result."""
        result = getattr(report, RESULT, None)
        if result is not None and not self._is_worker:
            from pytest_mastra_convex.results import CaseResult

            # A test that passed may still fail while it is torn down: the last word counts.
            read = CaseResult.from_json(result)
            self._results[read.case, read.target] = read


def evidence_plugin(config: pytest.Config) -> EvidencePlugin:
    """The plugin a run needs."""
    settings = config.stash[SETTINGS]
    is_reported = settings.parity_report is not None or settings.ledger is not None
    return ResultsPlugin(config) if is_reported else EvidencePlugin(config)


def _result(item: pytest.Item, target: str, report: pytest.TestReport) -> CaseResult:
    from pytest_mastra_convex.results import CaseResult

    marker = item.get_closest_marker("diverges")
    is_expected = hasattr(report, "wasxfail") and report.skipped
    outcome = "diverges" if is_expected and marker is not None else report.outcome
    place = item.stash.get(PLACE, None)
    return CaseResult(
        case=case_of(item),
        target=target,
        outcome=outcome,
        seconds=report.duration,
        detail=_detail(report, outcome),
        divergence=str(marker.args[0]) if outcome == "diverges" and marker is not None else "",
        comment=_comment_above(item),
        calls=tuple(place.journal.lines()) if place is not None else (),
    )


def _detail(report: pytest.TestReport, outcome: str) -> str:
    if outcome == "passed":
        return ""
    if isinstance(report.longrepr, tuple):  # of a skip: file, line, reason
        return str(report.longrepr[2])
    return report.longreprtext


def _comment_above(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    comment = (inspect.getcomments(function) if function is not None else None) or ""
    return "\n".join(line.removeprefix("#").strip() for line in comment.strip().splitlines())

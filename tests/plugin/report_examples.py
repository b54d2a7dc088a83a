"""Results of a small run with every outcome, for the tests of the parity report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pytest_mastra_convex.divergences import Divergence
from pytest_mastra_convex.results import CaseResult

STARTED = datetime(2026, 11, 22, 14, 3, 9, tzinfo=UTC)
VERSIONS = {"convex-mastra-emulator": "0.1.0", "npm @mastra/convex": "1.5.2", "npm convex": "1.48.0"}
PAGE_END = Divergence(
    id="page-end",
    kind="upstream",
    target="oracle",
    shown_by="conformance",
    since="2026-11-21",
    source="convex-test 0.0.60 `paginate`",
    reason="A page that the last document fills is the last one in convex-test.",
)
REGISTER = {"page-end": PAGE_END}
EMULATOR_CALLS = ("mutation notes:add {}", 'query notes:page {"numItems": 2}', "→ isDone: false", "query notes:rest {}")
ORACLE_CALLS = ("mutation notes:add {}", 'query notes:page {"numItems": 2}', "→ isDone: true", "query notes:rest {}")


def result(case: str, target: str, outcome: str = "passed", seconds: float = 0.02, **also: Any) -> CaseResult:
    return CaseResult(case=case, target=target, outcome=outcome, seconds=seconds, **also)


# Three cases hold everywhere, one differs as registered, one fails on the server and never ran on the oracle.
RESULTS = (
    result("test_order.py::test_numbers", "emulator"),
    result("test_order.py::test_numbers", "server", seconds=0.4),
    result("test_order.py::test_numbers", "oracle", seconds=70),
    result("test_order.py::test_strings_by_utf8[é]", "emulator"),
    result("test_order.py::test_strings_by_utf8[é]", "server"),
    result("test_order.py::test_strings_by_utf8[é]", "oracle"),
    result(
        "test_pages.py::test_last_page", "emulator", calls=EMULATOR_CALLS, comment="A full page may be the last one."
    ),
    result("test_pages.py::test_last_page", "server"),
    result("test_pages.py::test_last_page", "oracle", "diverges", divergence="page-end", calls=ORACLE_CALLS),
    result("test_vectors.py::test_speed", "emulator"),
    result("test_vectors.py::test_speed", "server"),
    result("test_vectors.py::test_speed", "oracle", "skipped", detail="the oracle reads every document"),
    result("test_vectors.py::test_ties", "emulator"),
    result("test_vectors.py::test_ties", "server", "failed", seconds=1.25, detail="assert [1, 2] == [2, 1]"),
)

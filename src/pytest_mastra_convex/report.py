"""The parity report: what every case did on every target, as JSON for programs and as one HTML page for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_mastra_convex.divergences import Divergence, load_divergences
from pytest_mastra_convex.parity import ParityTable, parity_table
from pytest_mastra_convex.report_page import report_page
from pytest_mastra_convex.results import CaseResult

FORMAT = 1


def write_parity_report(
    path: Path,
    results: Iterable[CaseResult],
    versions: Mapping[str, str],
    started: datetime,
    *,
    register: Mapping[str, Divergence] | None = None,
) -> Path:
    """Writes ``<path>.json`` and ``<path>.html``.

    Args:
        path: of the report, with ``.html`` or without; missing folders are made.
        results: one for each case and target.
        versions: what took part in the run.
        started: when the run began; without a time zone it is local time.
        register: the known differences; those that come with the package unless given.

    Returns:
        The path of the page.
    """
    stem = path.with_suffix("") if path.suffix == ".html" else path
    page_path = stem.with_name(f"{stem.name}.html")
    table = parity_table(results)
    register = load_divergences() if register is None else register
    page = report_page(table, versions, started.astimezone(UTC), register)
    document = _document(table, versions, started.astimezone(UTC), register)
    stem.parent.mkdir(parents=True, exist_ok=True)
    page_path.write_text(page, encoding="utf-8", newline="\n")
    json_text = json.dumps(document, indent=1) + "\n"
    stem.with_name(f"{stem.name}.json").write_text(json_text, encoding="utf-8", newline="\n")
    return page_path


def _document(
    table: ParityTable, versions: Mapping[str, str], started: datetime, register: Mapping[str, Divergence]
) -> dict[str, Any]:
    results = [result for row in table.rows for result in row.results.values()]
    shown = sorted({result.divergence for result in results} & set(register))
    return {
        "format": FORMAT,
        "started": started.isoformat(timespec="seconds"),
        "versions": dict(versions),
        "targets": list(table.targets),
        "counts": {target: dict(sorted(table.counts(target).items())) for target in table.targets},
        "divergences": {name: asdict(register[name]) for name in shown},
        "results": [result.to_json() for result in results],
    }

"""The parity report as one HTML page that needs nothing else: no network, no other file.

The frame, its style and its script are in ``report_page.html``; here are the parts that depend on the results.  Every
text of a result goes through ``_text``, and the page's content security policy forbids to load anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template

from pytest_mastra_convex.divergences import Divergence
from pytest_mastra_convex.parity import NOT_RUN, ParityRow, ParityTable, compared_calls
from pytest_mastra_convex.results import CaseResult, printable

# In the order of the summary; the signs tell the outcomes apart without colours.
_SIGNS = {"passed": "✓", "failed": "✗", "diverges": "≠", "skipped": "○", NOT_RUN: "·"}
_LABELS = {"diverges": "differs"}


def report_page(
    table: ParityTable, versions: Mapping[str, str], started: datetime, register: Mapping[str, Divergence]
) -> str:
    """The whole page.

    Args:
        table: what the cases did.
        versions: what took part in the run.
        started: when the run began, in UTC.
        register: the known differences, for their reasons.
    """
    template = Template(files("pytest_mastra_convex").joinpath("report_page.html").read_text(encoding="utf-8"))
    return template.substitute(
        started=f'<time datetime="{started.isoformat()}">{started:%Y-%m-%d %H:%M} UTC</time>',
        verdict=_verdict(table),
        versions="".join(f"<div><dt>{_text(name)}</dt><dd>{_text(versions[name])}</dd></div>" for name in versions),
        summary_heads="".join(f'<th scope="col">{_outcome_word(outcome)}</th>' for outcome in _SIGNS),
        summary_rows="\n".join(_summary_row(table, target) for target in table.targets),
        target_columns='<col class="of-target">' * len(table.targets),
        target_heads="".join(f'<th scope="col"><span>{_text(target)}</span></th>' for target in table.targets),
        modules="\n".join(_modules(table, register)),
        differences=sum(row.differs for row in table.rows),
    )


def _text(text: str) -> str:
    return escape(printable(text), quote=True)


def _name(text: str) -> str:
    """A name that may break after its underscores; what is copied from the page does not hold the breaks."""
    return _text(text).replace("_", "_<wbr>")


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def _css_class(outcome: str) -> str:
    return outcome.replace(" ", "-")


def _outcome_word(outcome: str) -> str:
    return f'<span class="sign" aria-hidden="true">{_SIGNS[outcome]}</span> {_LABELS.get(outcome, outcome)}'


def _verdict(table: ParityTable) -> str:
    """The whole report in one sentence."""
    if not table.rows:
        return '<p class="verdict">No case ran.</p>'
    failed = sum(any(result.outcome == "failed" for result in row.results.values()) for row in table.rows)
    registered = sum(row.differs for row in table.rows) - failed
    cases = _plural(len(table.rows), "case")
    targets = _text(table.targets[0]) if len(table.targets) == 1 else f"{len(table.targets)} targets"
    if failed:
        on = targets if len(table.targets) == 1 else f"at least one of {targets}"
        text = f"{failed:,} of {cases} failed on {on}"
    else:
        text = f"{cases} on {targets}, and none failed"
    if registered:
        text += f"; {registered:,} {'differs' if registered == 1 else 'differ'} as registered"
    return f'<p class="verdict {"failed" if failed else "passed"}">{text}.</p>'


def _summary_row(table: ParityTable, target: str) -> str:
    counts = table.counts(target)
    cells = "".join(
        f'<td class="count {_css_class(outcome) if counts[outcome] else "none"}">{counts[outcome]:,}</td>'
        for outcome in _SIGNS
    )
    bar = "".join(
        f'<span class="{_css_class(outcome)}" style="flex-grow:{counts[outcome]}"></span>'
        for outcome in _SIGNS
        if counts[outcome]
    )
    return (
        f'<tr><th scope="row">{_text(target)}</th>{cells}<td class="count">{_duration(table.seconds(target))}</td>'
        f'<td class="share" aria-hidden="true"><div>{bar}</div></td></tr>'
    )


def _modules(table: ParityTable, register: Mapping[str, Divergence]) -> Iterator[str]:
    number = 0
    for module, of_module in groupby(table.rows, key=lambda row: row.module):
        rows = list(of_module)
        differences = sum(row.differs for row in rows)
        also = f", {_plural(differences, 'difference')}" if differences else ""
        yield '<tbody class="module">'
        yield (
            f'<tr class="module-head"><th scope="rowgroup" colspan="{len(table.targets) + 1}">{_name(module)} '
            f'<span class="aside">{_plural(len(rows), "case")}{also}</span></th></tr>'
        )
        for row in rows:
            number += 1
            yield from _case_rows(row, f"case-{number}", table.targets, register)
        yield "</tbody>"


def _case_rows(
    row: ParityRow, name: str, targets: tuple[str, ...], register: Mapping[str, Divergence]
) -> Iterator[str]:
    title, bracket, parameters = row.name.partition("[")
    shown = _name(title) + (f'<span class="aside">{_name(bracket + parameters)}</span>' if bracket else "")
    yield (
        f'<tr class="case{" differs" if row.differs else ""}"><th scope="row">'
        f'<button type="button" aria-expanded="false" aria-controls="{name}">{shown}</button></th>'
        + "".join(_outcome_cell(row, target) for target in targets)
        + "</tr>"
    )
    yield f'<tr class="detail" id="{name}" hidden><td colspan="{len(targets) + 1}">'
    yield from _details(row, targets, register)
    yield "</td></tr>"


def _outcome_cell(row: ParityRow, target: str) -> str:
    outcome = row.outcome(target)
    word = _LABELS.get(outcome, outcome)
    result = row.results.get(target)
    title = f"{word} on {target}" + (f", {result.divergence}" if result and result.divergence else "")
    return (
        f'<td class="outcome {_css_class(outcome)}" title="{_text(title)}">'
        f'<span class="sign" aria-hidden="true">{_SIGNS[outcome]}</span> <span class="word">{word}</span></td>'
    )


def _details(row: ParityRow, targets: tuple[str, ...], register: Mapping[str, Divergence]) -> Iterator[str]:
    if row.comment:
        yield f'<p class="comment">{_text(row.comment)}</p>'
    times = (f"{target} {_duration(row.results[target].seconds)}" for target in targets if target in row.results)
    yield f'<p class="aside">{_text(" · ".join(times))}</p>'
    for target, result in row.results.items():
        if result.outcome != "passed":
            yield from _target_details(target, result, register)
    if row.differs:
        yield from _calls(row)


def _target_details(target: str, result: CaseResult, register: Mapping[str, Divergence]) -> Iterator[str]:
    yield f'<section class="{_css_class(result.outcome)}">'
    yield f"<h3>{_outcome_word(result.outcome)} <span>on {_text(target)}</span></h3>"
    divergence = register.get(result.divergence)
    if divergence is not None:
        facts = {
            "registered as": divergence.id,
            "kind": divergence.kind,
            "since": divergence.since,
            "source": divergence.source,
        }
        yield f'<p class="reason">{_text(divergence.reason)}</p><dl class="facts">'
        yield "".join(f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in facts.items()) + "</dl>"
    elif result.divergence:
        yield f'<p class="reason">{_text(result.divergence)}</p>'
    if result.outcome == "skipped":
        yield f'<p class="reason">{_text(result.detail)}</p>'
    elif result.detail:
        yield f'<pre tabindex="0">{_text(result.detail)}</pre>'
    yield "</section>"


def _calls(row: ParityRow) -> Iterator[str]:
    logs = compared_calls(row)
    if not logs:
        return
    yield '<div class="calls">'
    for log in logs:
        yield f'<figure><figcaption>Calls on {_text(", ".join(log.targets))}</figcaption><ol tabindex="0">'
        for line, differs in zip(log.lines, log.differs, strict=True):
            text = f'<mark title="not the same on every target">{_text(line)}</mark>' if differs else _text(line)
            yield f"<li><code>{text}</code></li>"
        yield "</ol></figure>"
    yield "</div>"

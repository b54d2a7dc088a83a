"""What counts as the same answer: how those of two deployments are brought into one form.

The one place that forgives anything.  convex-test, on which the oracle runs, differs from a deployment in ways that
convex-engine.md §11 lists; each rule below says which one it forgives and why, and names its entry in
``divergences.toml``.  Everything else has to be equal, the texts of errors included.  No rule fits two deployments
that are none of them the oracle, as an emulator and its server.

>>> assert_same_answer("both", Answer(error="Uncaught Error: no"), Answer(error="no"))
>>> assert_same_answer("both", Answer(value=1.0), Answer(value=True))  # doctest: +ELLIPSIS
Traceback (most recent call last):
AssertionError: both
...
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.values.codec import decode


@dataclass(frozen=True, slots=True)
class TextRule:
    """Two texts for one refusal: the deployment's, which the emulator gives, and convex-test's.

    Attributes:
        divergence: the entry in `divergences.toml`.
        emulator: what the emulator's text must match.
        oracle: what the oracle's text must match.
    """

    divergence: str
    emulator: re.Pattern[str]
    oracle: re.Pattern[str]


# Mastra's handlers pass these on as they are, and nobody but a reader looks at the words.  That something is refused,
# and for which of these reasons, stays compared.
TEXT_RULES = (
    TextRule(
        "schema-violation-text",
        re.compile(r"Failed to insert or update a document in table "),
        re.compile(r"Validator error: "),
    ),
    TextRule(
        "argument-validation-text",
        re.compile(r"ArgumentValidationError: "),
        re.compile(r"Validator error: "),
    ),
    TextRule(
        "missing-index-text",
        re.compile(r"Index \w+\.\w+ not found\."),
        re.compile(r'Cannot use (?:vector )?index "\w+" for table "\w+" because it is not declared in the schema\.'),
    ),
    TextRule(
        "missing-document-text",
        re.compile(r"(?:Update|Replace|Delete) on nonexistent document ID "),
        re.compile(r"(?:Patch|Replace) on non-existent document with ID |Delete on non-existent doc"),
    ),
    TextRule(
        "system-field-text",
        re.compile(r"Provided (?:document ID|creation time) "),
        re.compile(r"Provided `(?:_id|_creationTime)` field value "),
    ),
)

# The emulator tells what a function threw as a deployment does, with the error's class; convex-test throws it raw.
_UNCAUGHT = re.compile(r"Uncaught \w+: ")
# A function that called the one that failed puts the lines of its stack below the text.
_FRAMES = "\n    at "
# The length of npm convex-test 0.0.60's ids, and those of a deployment (convex-engine.md §3.1).
_ID = re.compile(r"\b[0-9a-z_]{31,37}\b")
_IDS_OF_UNIQUE = re.compile(r"(unique\(\) query returned more than one result from table \w+:\n) \[.*\]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call ended: with a value (in encoded form) or with the text of an error."""

    value: Any = None
    error: str | None = None


@dataclass(slots=True)
class Naming:
    """Names for the documents of one deployment, in the order in which they turn up.

    Ids and creation times are the deployment's own; that two answers speak of the same document is not.
    """

    _names: dict[str, str] = field(default_factory=dict)
    _created: dict[str, float] = field(default_factory=dict)

    def name(self, document_id: str) -> str:
        """The document's name, a new one if it was not seen before."""
        return self._names.setdefault(document_id, f"document {len(self._names)}")

    def creation_time(self, document_id: str) -> float | None:
        """The creation time of a document that was seen as a whole."""
        return self._created.get(document_id)

    def text(self, text: str) -> str:
        """A text with names for the ids in it, and without frames."""
        # Nobody heard of a document whose transaction was taken back.
        return _ID.sub(lambda found: self._names.get(found[0], "a document"), text.split(_FRAMES)[0])

    def canonical(self, value: Any) -> Any:
        """The value with names for ids, and with all numbers of one type."""
        if isinstance(value, str):
            return self._names.get(value, value)
        if isinstance(value, Mapping):
            return self._canonical_object(value)
        if isinstance(value, list):
            return [self.canonical(item) for item in value]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(value) if is_number else value

    def _canonical_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: self.canonical(item) for name, item in value.items()}
        document_id, created = value.get("_id"), value.get("_creationTime")
        if isinstance(document_id, str) and isinstance(created, (int, float)):
            fields["_id"] = self.name(document_id)
            # Whatever a creation time is, a document keeps its own.
            fields["_creationTime"] = "kept" if self._created.setdefault(document_id, created) == created else "changed"
        return fields


def canonical_text(text: str) -> str:
    """The text of an error without what only one side adds."""
    return _IDS_OF_UNIQUE.sub(r"\1 [ids]", _UNCAUGHT.sub("", text, count=1))


def same_text(emulator: str, oracle: str) -> tuple[str, str]:
    """Two texts of errors, made equal if a rule says that they mean the same."""
    emulator, oracle = canonical_text(emulator), canonical_text(oracle)
    for rule in TEXT_RULES:
        if rule.emulator.match(emulator) and rule.oracle.match(oracle):
            return rule.divergence, rule.divergence
    return emulator, oracle


def assert_same(what: str, emulator: Any, oracle: Any) -> None:
    """Compares JSON values with their types: Python takes 1 and True for equal.

    Raises:
        AssertionError: unless they are the same; shows where they differ.
    """
    emulated, expected = (json.dumps(value, indent=1, sort_keys=True).splitlines() for value in (emulator, oracle))
    if emulated != expected:
        difference = "\n".join(unified_diff(expected, emulated, "expected", "found", lineterm="", n=2))
        raise AssertionError(f"{what}\n{difference}")


def assert_same_answer(what: str, emulator: Answer, oracle: Answer) -> None:
    """Compares how two calls ended.

    Raises:
        AssertionError: unless both ended in the same way.
    """
    emulated, expected = _comparable(emulator), _comparable(oracle)
    if isinstance(emulated.get("error"), str) and isinstance(expected.get("error"), str):
        emulated["error"], expected["error"] = same_text(emulated["error"], expected["error"])
    assert_same(what, emulated, expected)


def _comparable(answer: Answer) -> dict[str, Any]:
    """One shape for errors that are thrown and errors that are answered, told apart by `thrown`."""
    if answer.error is not None:
        return {"thrown": True, "error": answer.error}
    if isinstance(answer.value, dict) and answer.value.get("ok") is False:
        return {"thrown": False, **answer.value}
    return {"thrown": False, "value": answer.value}


def without_last_empty_page(emulator: Answer, oracle: Answer) -> tuple[Answer, Answer]:
    """The answers, which hold the pages of a query, without the emulator's last page if only the emulator has it.

    A deployment does not know that a page was filled by the last document and gives an empty one after it;
    convex-test says at once that it was the last (divergence "full-last-page").
    """
    pages, expected = emulator.value, oracle.value
    is_extra = isinstance(pages, list) and isinstance(expected, list) and pages == [*expected, []] and expected
    return (Answer(value=expected), oracle) if is_extra else (emulator, oracle)


# The oracle computes scores with 53 bits of precision, a deployment and the emulator with 24 (divergence
# "vector-score-precision"): 2^-20 leaves four bits for what adds up.
_SCORE_TOLERANCE = 2.0**-20
# Stands for null, which is the score of numbers too large for 24 bits of precision; others are from -1 to 1.
_NO_SCORE = -2.0


@dataclass(frozen=True, slots=True)
class RankingFields:
    """How the rows of a ranking name what they are and how near.

    Attributes:
        id: tells the rows of one score apart.
        score: the row's score.
    """

    id: str = "id"
    score: str = "score"


VECTOR_SEARCH_FIELDS = RankingFields("_id", "_score")
"""What ``ctx.vectorSearch`` answers; the rows of Mastra's vector stores have names without ``_``."""


def assert_same_ranking(
    what: str, emulator: Answer, oracle: Answer, *, limit: Any, fields: RankingFields = RankingFields()
) -> None:
    """Compares what two searches found.

    Rows of equal scores may come in any order, and of those at the end any may have been cut off: a deployment
    orders them by their ids, convex-test by their creation (divergence "vector-ties").

    Raises:
        AssertionError: unless they found the same rows with the same scores.
    """
    if not isinstance(emulator.value, list) or not isinstance(oracle.value, list):
        assert_same_answer(what, emulator, oracle)
        return
    groups = _groups(oracle.value, fields)
    if len(oracle.value) == limit and groups:
        groups.pop()
    assert_same(f"{what}: number of rows", len(emulator.value), len(oracle.value))
    for found, expected in zip(emulator.value, oracle.value, strict=True):
        difference = abs(_number(found[fields.score]) - _number(expected[fields.score]))
        assert difference <= _SCORE_TOLERANCE, f"{what}: {found} for {expected}"
    start = 0
    for group in groups:
        emulated = emulator.value[start : start + len(group)]
        start += len(group)
        assert_same(what, _without_scores(emulated, fields), _without_scores(group, fields))


def _number(score: Any) -> float:
    """A score, which is spelled out where JSON has no number for it (-0)."""
    if score is None:
        return _NO_SCORE
    return float(decode(score, DEFAULT_LIMITS)) if isinstance(score, dict) else float(score)


def _groups(rows: list[dict[str, Any]], fields: RankingFields) -> list[list[dict[str, Any]]]:
    """Rows whose scores cannot be told apart."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        last = groups[-1] if groups else []
        if last and abs(_number(last[-1][fields.score]) - _number(row[fields.score])) <= 2 * _SCORE_TOLERANCE:
            last.append(row)
        else:
            groups.append([row])
    return groups


def _without_scores(rows: list[dict[str, Any]], fields: RankingFields) -> list[dict[str, Any]]:
    """Rows in the order of their ids."""
    kept = [{name: item for name, item in row.items() if name != fields.score} for row in rows]
    return sorted(kept, key=lambda row: str(row.get(fields.id)))

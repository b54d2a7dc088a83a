"""The domain ``scores``: what scorers made of runs.

Lists read the whole table, up to the 10,000 rows a query gives, and filter here.
npm @mastra/convex 1.5.2 ``ScoresConvex`` (mastra-adapter.md §6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from convex_mastra_emulator.stores.errors import MastraError
from convex_mastra_emulator.stores.json_text import to_json_value
from convex_mastra_emulator.stores.pagination import PerPage
from convex_mastra_emulator.stores.storage_client import UNSET, Record, StorageClient, Unset
from convex_mastra_emulator.stores.times import from_iso, to_iso

TABLE_SCORERS = "mastra_scorers"

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveScorePayload:
    """A score that is to be saved; None means absent, except in ``input`` and ``output``, where it is null.

    What is typed as a mapping or as any value is stored as a Convex value, which has no keys that start with ``$``.

    Attributes:
        scorer_id: the scorer's id.
        run_id: the run that was scored.
        scorer: what the scorer is.
        score: its verdict.
        source: ``LIVE`` or ``TEST``.
        input: what the run was given; a deployment refuses a score without.
        output: what the run gave.
        entity_id: who ran, for example an agent's id.
        entity_type: what ran, for example ``AGENT``.
        entity: a description of it.
        structured_output: a deployment refuses a score that has it, its table has no such field.
    """

    scorer_id: str
    run_id: str
    scorer: Mapping[str, Any]
    score: float
    source: str
    input: Any = UNSET
    output: Any
    entity_id: str | None = None
    entity_type: str | None = None
    entity: Mapping[str, Any] | None = None
    reason: str | None = None
    metadata: Mapping[str, Any] | None = None
    additional_context: Mapping[str, Any] | None = None
    request_context: Mapping[str, Any] | None = None
    preprocess_step_result: Any = None
    extract_step_result: Any = None
    analyze_step_result: Any = None
    preprocess_prompt: str | None = None
    extract_prompt: str | None = None
    generate_score_prompt: str | None = None
    generate_reason_prompt: str | None = None
    analyze_prompt: str | None = None
    reason_prompt: str | None = None
    structured_output: bool | None = None
    trace_id: str | None = None
    span_id: str | None = None
    resource_id: str | None = None
    thread_id: str | None = None
    organization_id: str | None = None
    project_id: str | None = None
    batch_id: str | None = None
    dataset_id: str | None = None
    dataset_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(SaveScorePayload):
    """A score that was saved; None where nothing is stored.

    Attributes:
        id: its own id.
        created_at: when it was saved.
        updated_at: the same.
        convex_id: the row's ``_id``; None for a score that was not read.
        creation_time: the row's ``_creationTime``, in milliseconds; None for a score that was not read.
    """

    id: str
    created_at: datetime
    updated_at: datetime | None
    convex_id: str | None = field(default=None, compare=False, repr=False)
    creation_time: float | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFilters:
    """Whose scores are listed; UNSET filters nothing, and None matches nothing, as null does."""

    organization_id: str | Unset | None = UNSET
    project_id: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePage:
    """A page of scores, newest first; ``total`` counts those of all pages."""

    scores: list[Score]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


class ConvexScores:
    """Scores on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def dangerously_clear_all(self) -> None:
        """Deletes all scores."""
        self._client.clear_table(TABLE_SCORERS)

    def get_score_by_id(self, *, id: str) -> Score | None:
        """The score, or None if there is none."""
        row = self._client.load(TABLE_SCORERS, id=id)
        return _score(row) if row else None

    def save_score(self, score: SaveScorePayload) -> Score:
        """Saves a score under a new id, even if it has one, with the time of now.

        Raises:
            FunctionError: for what the table's schema refuses.
        """
        moment = to_iso(self._client.clock())
        record = {
            **_payload(score),
            "id": self._client.new_id(),
            "createdAt": moment,
            "updatedAt": moment,
        }
        self._client.insert(TABLE_SCORERS, record)
        return _score(record)

    def list_scores_by_scorer_id(
        self,
        *,
        scorer_id: str,
        page: int,
        per_page: PerPage,
        entity_id: str | None = None,
        entity_type: str | None = None,
        source: str | None = None,
        filters: ScoreFilters | None = None,
    ) -> ScorePage:
        """The scores of a scorer.

        Args:
            scorer_id: the scorer; like the next three, the empty text filters nothing.
            page: counted from 0.
            per_page: how many a page holds; False gives all.
            entity_id: who ran.
            entity_type: what ran.
            source: ``LIVE`` or ``TEST``.
            filters: whose scores.

        Raises:
            MastraError: ``MASTRA_STORAGE_CONVEX_LIST_SCORES_INVALID_PAGINATION`` for a negative page.
        """
        equal = {"scorerId": scorer_id, "entityId": entity_id, "entityType": entity_type, "source": source}
        return self._list(equal, filters, page, per_page)

    def list_scores_by_run_id(
        self, *, run_id: str, page: int, per_page: PerPage, filters: ScoreFilters | None = None
    ) -> ScorePage:
        """The scores of a run; arguments and errors as in :meth:`list_scores_by_scorer_id`."""
        return self._list({"runId": run_id}, filters, page, per_page)

    def list_scores_by_entity_id(
        self, *, entity_id: str, entity_type: str, page: int, per_page: PerPage, filters: ScoreFilters | None = None
    ) -> ScorePage:
        """The scores of an entity; arguments and errors as in :meth:`list_scores_by_scorer_id`."""
        return self._list({"entityId": entity_id, "entityType": entity_type}, filters, page, per_page)

    def _list(
        self, equal: Mapping[str, str | None], filters: ScoreFilters | None, page: int, per_page: PerPage
    ) -> ScorePage:
        if page < 0:
            raise MastraError(
                "page must be >= 0",
                id="MASTRA_STORAGE_CONVEX_LIST_SCORES_INVALID_PAGINATION",
                domain="STORAGE",
                category="USER",
            )
        conditions = {name: value for name, value in equal.items() if value} | _tenant(filters or ScoreFilters())
        rows = [row for row in self._client.query_table(TABLE_SCORERS) if _has(row, conditions)]
        rows.sort(key=lambda row: from_iso(row["createdAt"]), reverse=True)
        size = len(rows) if per_page is False else per_page
        start = 0 if per_page is False else page * size
        return ScorePage(
            scores=list(map(_score, rows[start : start + size])),
            total=len(rows),
            page=page,
            per_page=per_page,
            has_more=per_page is not False and start + size < len(rows),
        )


def _tenant(filters: ScoreFilters) -> dict[str, Any]:
    given = {"organizationId": filters.organization_id, "projectId": filters.project_id}
    return {name: value for name, value in given.items() if value is not UNSET}


def _has(row: Record, conditions: Mapping[str, Any]) -> bool:
    return all(row.get(name, _ABSENT) == value for name, value in conditions.items())


# Rows


def _column(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


_COLUMNS = {item.name: _column(item.name) for item in fields(SaveScorePayload)}


_NULLABLE = frozenset({"input", "output"})


def _payload(score: SaveScorePayload) -> Record:
    given = {name: getattr(score, name) for name in _COLUMNS}
    return {
        _COLUMNS[name]: to_json_value(value)
        for name, value in given.items()
        if value is not UNSET and (value is not None or name in _NULLABLE)
    }


def _score(row: Record) -> Score:
    payload: dict[str, Any] = {name: row.get(column) for name, column in _COLUMNS.items()}
    updated_at = row.get("updatedAt")
    return Score(
        **payload,
        id=row["id"],
        created_at=from_iso(row["createdAt"]),
        updated_at=from_iso(updated_at) if updated_at else None,
        convex_id=row.get("_id"),
        creation_time=row.get("_creationTime"),
    )

"""Scores: what is saved, what is read back, and how lists are filtered and paged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.stores.errors import MastraError
from convex_mastra_emulator.stores.scores import ConvexScores, SaveScorePayload, Score, ScoreFilters
from convex_mastra_emulator.stores.storage_client import StorageClient

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Minutes:
    """A clock that moves a minute with every look at it."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        self.moment += timedelta(minutes=1)
        return self.moment


def new_scores(emulator: Emulator | None = None) -> ConvexScores:
    return ConvexScores(StorageClient(emulator or Emulator(), clock=Minutes()))


def payload(**fields: Any) -> SaveScorePayload:
    given: dict[str, Any] = {
        "scorer_id": "scorer",
        "run_id": "run",
        "entity_id": "entity",
        "entity_type": "AGENT",
        "scorer": {"name": "Scorer"},
        "source": "LIVE",
        "score": 0.5,
        "input": [1],
        "output": "!",
        **fields,
    }
    return SaveScorePayload(**given)


def reasons(scores: list[Score]) -> list[str | None]:
    return [score.reason for score in scores]


def test_saved_score_is_read_back() -> None:
    scores = new_scores()

    saved = scores.save_score(payload(metadata={"k": [None]}, reason="because", batch_id="b", output=None))

    assert scores.get_score_by_id(id=saved.id) == saved
    assert saved.created_at == saved.updated_at == NOON + timedelta(minutes=1)
    assert (saved.metadata, saved.reason, saved.batch_id, saved.output) == ({"k": [None]}, "because", "b", None)
    assert saved.trace_id is None


# mastra-adapter.md §0: rows keep their system fields all the way to the user.
def test_read_score_keeps_the_system_fields_of_its_row() -> None:
    scores = new_scores()
    saved = scores.save_score(payload())

    read = scores.get_score_by_id(id=saved.id)

    assert read is not None
    assert saved.convex_id is None
    assert read.convex_id
    assert read.creation_time


def test_missing_score_is_none() -> None:
    assert new_scores().get_score_by_id(id="missing") is None


def test_score_that_was_read_is_saved_as_a_new_one() -> None:
    scores = new_scores()
    first = scores.save_score(payload())

    second = scores.save_score(first)

    assert second.id != first.id
    assert second.created_at > first.created_at


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"structured_output": True}, "structuredOutput"), ({"source": None}, "source"), ({"score": "1"}, "score")],
)
def test_schema_refuses(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(FunctionError, match=text):
        new_scores().save_score(payload(**fields))


def test_score_without_input_is_refused() -> None:
    given = SaveScorePayload(scorer_id="s", run_id="r", scorer={}, score=1, source="LIVE", output=1)

    with pytest.raises(FunctionError, match="input"):
        new_scores().save_score(given)


def test_pages_are_newest_first() -> None:
    scores = new_scores()
    for number in range(5):
        scores.save_score(payload(reason=str(number)))

    pages = [scores.list_scores_by_scorer_id(scorer_id="scorer", page=page, per_page=2) for page in range(4)]

    assert [reasons(page.scores) for page in pages] == [["4", "3"], ["2", "1"], ["0"], []]
    assert [page.has_more for page in pages] == [True, True, False, False]
    assert {(page.total, page.per_page) for page in pages} == {(5, 2)}
    assert [page.page for page in pages] == [0, 1, 2, 3]


def test_equal_times_keep_the_order_of_writing() -> None:
    scores = ConvexScores(StorageClient(Emulator(), clock=lambda: NOON))
    for number in range(3):
        scores.save_score(payload(reason=str(number)))

    assert reasons(scores.list_scores_by_run_id(run_id="run", page=0, per_page=10).scores) == ["0", "1", "2"]


def test_per_page_false_gives_all_whatever_the_page() -> None:
    scores = new_scores()
    for number in range(3):
        scores.save_score(payload(reason=str(number)))

    page = scores.list_scores_by_scorer_id(scorer_id="scorer", page=7, per_page=False)

    assert (len(page.scores), page.total, page.page, page.per_page, page.has_more) == (3, 3, 7, False, False)


@pytest.mark.parametrize(("per_page", "has_more"), [(0, True), (1, False)])
def test_page_of_no_scores(per_page: int, has_more: bool) -> None:
    scores = new_scores()
    scores.save_score(payload())

    page = scores.list_scores_by_scorer_id(scorer_id="scorer", page=0, per_page=per_page)

    assert (len(page.scores), page.has_more, page.total) == (per_page, has_more, 1)


@pytest.mark.parametrize("per_page", [10, False])
def test_negative_page_is_refused(per_page: int | Literal[False]) -> None:
    with pytest.raises(MastraError, match="page must be >= 0") as raised:
        new_scores().list_scores_by_run_id(run_id="run", page=-1, per_page=per_page)

    assert raised.value.id == "MASTRA_STORAGE_CONVEX_LIST_SCORES_INVALID_PAGINATION"
    assert (raised.value.domain, raised.value.category, raised.value.details) == ("STORAGE", "USER", {})


def test_lists_by_scorer_filter() -> None:
    scores = new_scores()
    scores.save_score(payload(reason="match"))
    scores.save_score(payload(reason="entity", entity_id="other"))
    scores.save_score(payload(reason="type", entity_type="WORKFLOW"))
    scores.save_score(payload(reason="source", source="TEST"))
    scores.save_score(payload(reason="scorer", scorer_id="other"))

    page = scores.list_scores_by_scorer_id(
        scorer_id="scorer", entity_id="entity", entity_type="AGENT", source="LIVE", page=0, per_page=10
    )

    assert reasons(page.scores) == ["match"]


def test_lists_by_run_and_by_entity() -> None:
    scores = new_scores()
    scores.save_score(payload(reason="a", run_id="run-a", entity_id="entity-a"))
    scores.save_score(payload(reason="b", run_id="run-b", entity_id="entity-b"))

    by_run = scores.list_scores_by_run_id(run_id="run-a", page=0, per_page=10)
    by_entity = scores.list_scores_by_entity_id(entity_id="entity-b", entity_type="AGENT", page=0, per_page=10)

    assert (reasons(by_run.scores), reasons(by_entity.scores)) == (["a"], ["b"])


def test_empty_text_filters_nothing() -> None:
    scores = new_scores()
    scores.save_score(payload())

    assert scores.list_scores_by_run_id(run_id="", page=0, per_page=10).total == 1


# A tenant's filter must not open up when its value is empty or null.
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (ScoreFilters(), ["none", "b", "a"]),
        (ScoreFilters(organization_id="a"), ["a"]),
        (ScoreFilters(organization_id=""), []),
        (ScoreFilters(organization_id=None), []),
        (ScoreFilters(organization_id="a", project_id="p"), []),
        (ScoreFilters(project_id="p"), ["b"]),
    ],
)
def test_tenant_filters(filters: ScoreFilters, found: list[str]) -> None:
    scores = new_scores()
    scores.save_score(payload(reason="a", organization_id="a"))
    scores.save_score(payload(reason="b", organization_id="b", project_id="p"))
    scores.save_score(payload(reason="none"))

    page = scores.list_scores_by_scorer_id(scorer_id="scorer", filters=filters, page=0, per_page=10)

    assert reasons(page.scores) == found


# The handler deletes 25 rows per call.
def test_clear_deletes_all() -> None:
    emulator = Emulator()
    scores = new_scores(emulator)
    for _ in range(26):
        scores.save_score(payload())

    scores.dangerously_clear_all()

    assert emulator.table_counts() == {}

"""Scores: what scorers made of runs."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError
from convex_mastra_emulator.stores import (
    UNSET,
    ConvexScores,
    ConvexStore,
    MastraError,
    SaveScorePayload,
    ScoreFilters,
)
from pytest_mastra_convex.conformance.records import NOON, after_noon, send, store_at

SCORERS = "mastra_scorers"


@pytest.fixture
def scores(convex_store: ConvexStore) -> ConvexScores:
    """The scores domain alone."""
    return convex_store.scores


def payload(**fields: Any) -> SaveScorePayload:
    """A score, as a scorer gives it."""
    given = {
        "scorer_id": "toxicity",
        "run_id": "run-1",
        "scorer": {"id": "toxicity", "name": "Toxicity"},
        "score": 0.25,
        "source": "LIVE",
        "input": [{"role": "user", "content": "hi"}],
        "output": {"text": "hello"},
        **fields,
    }
    return SaveScorePayload(**given)


def save(deployment: Deployment, count: int, **fields: Any) -> None:
    """Saves scores whose reasons are 0, 1 and so on, a minute apart."""
    for number in range(count):
        store_at(deployment, after_noon(number)).scores.save_score(payload(reason=str(number), **fields))


# Save and get


# Everything a scorer can say comes back, and where it came from: organisation, project, batch, dataset.
def test_a_score_is_read_as_it_was_saved(convex_deployment: Deployment) -> None:
    scores = store_at(convex_deployment, NOON).scores

    saved = scores.save_score(
        payload(
            reason="mild",
            entity_id="agent-1",
            entity_type="AGENT",
            entity={"name": "Ann"},
            metadata={"a": [1, None]},
            additional_context={"locale": "de"},
            request_context={"tier": "pro"},
            preprocess_step_result={"words": 2},
            generate_score_prompt="Score this",
            trace_id="trace",
            span_id="span",
            resource_id="ann",
            thread_id="thread-1",
            organization_id="org",
            project_id="project",
            batch_id="batch",
            dataset_id="dataset",
            dataset_item_id="item",
        )
    )

    read = scores.get_score_by_id(id=saved.id)
    assert read == saved
    assert (saved.created_at, saved.updated_at) == (NOON, NOON)
    assert (saved.entity, saved.organization_id, saved.dataset_item_id) == ({"name": "Ann"}, "org", "item")


# A score that is not there is no error.
def test_a_score_that_is_not_there_is_none(scores: ConvexScores) -> None:
    assert scores.get_score_by_id(id="score-1") is None


# Every verdict is one of its own: saving the same payload twice gives two scores.
def test_every_save_gets_a_new_id(scores: ConvexScores) -> None:
    first, second = scores.save_score(payload()), scores.save_score(payload())

    assert first.id != second.id
    assert scores.list_scores_by_run_id(run_id="run-1", page=0, per_page=10).total == 2


# Rows must reach the user with `_id` and `_creationTime`, as Mastra's own test wants it.
def test_read_scores_carry_the_system_fields(scores: ConvexScores) -> None:
    saved = scores.save_score(payload())

    read = scores.get_score_by_id(id=saved.id)

    assert read is not None
    assert read.convex_id is not None
    assert read.creation_time is not None


# Null is an input like any other; the column takes anything but absence.
def test_a_null_input_is_kept(scores: ConvexScores) -> None:
    saved = scores.save_score(payload(input=None, output=None))

    read = scores.get_score_by_id(id=saved.id)

    assert read is not None
    assert (read.input, read.output) == (None, None)


# What the table's schema refuses is not stored; `structuredOutput` is in Mastra's type but not in the schema of 1.5.2.
@pytest.mark.parametrize(
    "fields",
    [{"input": UNSET}, {"structured_output": True}, {"score": "high"}, {"source": None}],
    ids=["no-input", "structured-output", "text-for-a-number", "no-source"],
)
def test_scores_the_schema_does_not_know_are_refused(scores: ConvexScores, fields: dict[str, Any]) -> None:
    with pytest.raises(FunctionError, match=r"mastra_scorers|alidator"):
        scores.save_score(payload(**fields))

    assert scores.list_scores_by_run_id(run_id="run-1", page=0, per_page=10).total == 0


# Optional text is absent or text, never null; a client that sends the null of its own type is refused.
def test_a_null_organization_is_refused(convex_deployment: Deployment, scores: ConvexScores) -> None:
    saved = scores.save_score(payload())

    with pytest.raises(FunctionError, match=r"mastra_scorers|alidator"):
        send(convex_deployment, "patch", SCORERS, id=saved.id, record={"organizationId": None})


# mastra-ai/mastra#16110: scores travel as Convex values, where keys that start with `$` are reserved.
def test_reserved_keys_are_refused(scores: ConvexScores) -> None:
    with pytest.raises(EmulatorError, match=r"\$schema"):
        scores.save_score(payload(output={"$schema": "x"}))


# List


# A score's page on the dashboard: newest first, on pages of two.
@pytest.mark.parametrize(
    ("page", "reasons", "has_more"),
    [(0, ["4", "3"], True), (1, ["2", "1"], True), (2, ["0"], False), (3, [], False)],
    ids=["first", "second", "last", "past"],
)
def test_scores_come_in_pages_newest_first(
    convex_deployment: Deployment, scores: ConvexScores, page: int, reasons: list[str], has_more: bool
) -> None:
    save(convex_deployment, 5)

    listed = scores.list_scores_by_scorer_id(scorer_id="toxicity", page=page, per_page=2)

    assert [score.reason for score in listed.scores] == reasons
    assert (listed.total, listed.page, listed.per_page, listed.has_more) == (5, page, 2, has_more)


# A last page that is full has nothing behind it; `perPage: false` is all of them.
@pytest.mark.parametrize(("per_page", "has_more"), [(3, True), (4, False), (False, False)])
def test_the_end_of_the_list(
    convex_deployment: Deployment, scores: ConvexScores, per_page: Any, has_more: bool
) -> None:
    save(convex_deployment, 4)

    listed = scores.list_scores_by_run_id(run_id="run-1", page=0, per_page=per_page)

    assert (listed.total, listed.per_page, listed.has_more) == (4, per_page, has_more)


# Each list by its own column, with a score beside it that differs in that column alone.
def test_scores_by_scorer_run_and_entity(scores: ConvexScores) -> None:
    scores.save_score(payload(reason="a", entity_id="agent-1", entity_type="AGENT"))
    scores.save_score(payload(reason="b", entity_id="agent-1", entity_type="WORKFLOW"))
    scores.save_score(payload(reason="c", scorer_id="bias", run_id="run-2"))

    by_scorer = scores.list_scores_by_scorer_id(scorer_id="bias", page=0, per_page=10)
    by_run = scores.list_scores_by_run_id(run_id="run-2", page=0, per_page=10)
    by_entity = scores.list_scores_by_entity_id(entity_id="agent-1", entity_type="AGENT", page=0, per_page=10)

    assert [[score.reason for score in page.scores] for page in (by_scorer, by_run, by_entity)] == [["c"], ["c"], ["a"]]


# Conditions add up; the empty text filters nothing, and a null organisation matches nothing, not what has none.
@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        ({"source": "TEST"}, ["b"]),
        ({"entity_id": "agent-1"}, ["a"]),
        ({"entity_id": "", "source": ""}, ["a", "b"]),
        ({"filters": ScoreFilters(organization_id="org")}, ["a"]),
        ({"filters": ScoreFilters(organization_id="org", project_id="x")}, []),
        ({"filters": ScoreFilters(organization_id=None)}, []),
        ({"filters": ScoreFilters()}, ["a", "b"]),
    ],
    ids=["source", "entity", "empty", "organization", "two", "null", "no-filters"],
)
def test_scores_of_a_scorer_are_filtered(scores: ConvexScores, arguments: dict[str, Any], reasons: list[str]) -> None:
    scores.save_score(payload(reason="a", entity_id="agent-1", entity_type="AGENT", organization_id="org"))
    scores.save_score(payload(reason="b", source="TEST"))

    listed = scores.list_scores_by_scorer_id(scorer_id="toxicity", page=0, per_page=10, **arguments)

    assert sorted(str(score.reason) for score in listed.scores) == reasons


# A negative page is the caller's mistake.
def test_a_negative_page_is_refused(scores: ConvexScores) -> None:
    with pytest.raises(MastraError, match="page must be >= 0") as refused:
        scores.list_scores_by_run_id(run_id="run-1", page=-1, per_page=10)

    assert refused.value.id == "MASTRA_STORAGE_CONVEX_LIST_SCORES_INVALID_PAGINATION"


# All of them go, also what no list shows.
def test_clearing_takes_all_scores(convex_deployment: Deployment, scores: ConvexScores) -> None:
    save(convex_deployment, 26)

    scores.dangerously_clear_all()

    assert scores.list_scores_by_run_id(run_id="run-1", page=0, per_page=10).total == 0

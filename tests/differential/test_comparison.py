"""The comparison forgives what its rules say and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from pytest_mastra_convex.comparison import (
    TEXT_RULES,
    VECTOR_SEARCH_FIELDS,
    Answer,
    Naming,
    assert_same,
    assert_same_answer,
    assert_same_ranking,
    canonical_text,
    same_text,
    without_last_empty_page,
)
from pytest_mastra_convex.divergences import load_divergences


def test_equal_answers_pass() -> None:
    assert_same_answer("call", Answer(value={"ok": True, "result": [1.0]}), Answer(value={"ok": True, "result": [1.0]}))


# Python takes True for 1, JSON does not: a handler that answered 1 for true would go unseen.
@pytest.mark.parametrize(("emulated", "expected"), [(True, 1.0), (0.0, False), (None, False), ("1", 1.0), ([], {})])
def test_values_of_different_types_differ(emulated: Any, expected: Any) -> None:
    with pytest.raises(AssertionError, match="call"):
        assert_same("call", emulated, expected)


def test_thrown_and_answered_errors_differ() -> None:
    with pytest.raises(AssertionError, match='"thrown": true'):
        assert_same_answer("call", Answer(error="text"), Answer(value={"ok": False, "error": "text"}))


def test_class_of_an_uncaught_error_does_not_count() -> None:
    assert_same_answer("call", Answer(error="Uncaught TypeError: text"), Answer(error="text"))


def test_texts_without_a_rule_must_be_equal() -> None:
    with pytest.raises(AssertionError, match="another text"):
        assert_same_answer("call", Answer(error="Uncaught Error: text"), Answer(error="another text"))


def test_rule_holds_for_its_own_two_texts_only() -> None:
    violation = 'Failed to insert or update a document in table "t" because it does not match the schema: …'

    assert same_text(violation, "Validator error: Expected `string`, got `1`") == ("schema-violation-text",) * 2
    assert same_text(violation, "Delete on non-existent doc") == (violation, "Delete on non-existent doc")


def test_ids_in_the_text_of_unique_do_not_count() -> None:
    text = "unique() query returned more than one result from table t:\n [a, b, ...]"

    assert canonical_text(text) == canonical_text(text.replace("a, b", "c, d"))


def test_same_document_gets_the_same_name() -> None:
    naming = Naming()
    row = {"_id": "x", "_creationTime": 1.0}

    assert naming.canonical([row, {"_id": "y", "_creationTime": 2.0}, row]) == [
        {"_id": "document 0", "_creationTime": "kept"},
        {"_id": "document 1", "_creationTime": "kept"},
        {"_id": "document 0", "_creationTime": "kept"},
    ]


def test_changed_creation_time_is_seen() -> None:
    naming = Naming()
    naming.canonical({"_id": "x", "_creationTime": 1.0})

    assert naming.canonical({"_id": "x", "_creationTime": 2.0})["_creationTime"] == "changed"


@pytest.mark.parametrize(
    ("pages", "kept"), [([["a"], []], [["a"]]), ([["a"]], [["a"]]), ([["a"], [], []], [["a"], [], []])]
)
def test_one_empty_page_at_the_end_does_not_count(pages: list[Any], kept: list[Any]) -> None:
    emulated, _ = without_last_empty_page(Answer(value=pages), Answer(value=[["a"]]))

    assert emulated.value == kept


# A reference from one document to another is an id, too.
def test_ids_in_values_get_the_names_of_their_documents() -> None:
    naming = Naming()
    naming.canonical({"_id": "x", "_creationTime": 1.0})

    assert naming.canonical({"author": "x", "text": "y"}) == {"author": "document 0", "text": "y"}


# What was taken back has an id that nobody else heard of.
def test_ids_and_frames_in_texts_do_not_count() -> None:
    naming = Naming()
    name = naming.name("j5" * 16)
    text = f"Delete on nonexistent document ID {'j5' * 16}, {'k7' * 16}\n    at deleted (file.py:1)"

    assert naming.text(text) == f"Delete on nonexistent document ID {name}, a document"


def ranking(*rows: tuple[str, float]) -> Answer:
    return Answer(value=[{"id": record_id, "score": score} for record_id, score in rows])


def test_rows_of_one_score_may_change_places() -> None:
    emulated, expected = ranking(("a", 1.0), ("b", 0.5), ("c", 0.5)), ranking(("a", 1.0), ("c", 0.5), ("b", 0.5))

    assert_same_ranking("search", emulated, expected, limit=10)


def test_rows_of_two_scores_may_not_change_places() -> None:
    with pytest.raises(AssertionError, match="search"):
        assert_same_ranking("search", ranking(("a", 1.0), ("b", 0.5)), ranking(("b", 1.0), ("a", 0.5)), limit=10)


# A limit cuts through rows of one score: which of them are left is a matter of order.
@pytest.mark.parametrize("limit", [2, 3])
def test_last_rows_of_one_score_may_differ_where_the_limit_cuts(limit: int) -> None:
    emulated, expected = ranking(("a", 1.0), ("b", 0.5)), ranking(("a", 1.0), ("c", 0.5))

    if limit == 2:
        assert_same_ranking("search", emulated, expected, limit=limit)
    else:
        with pytest.raises(AssertionError, match="search"):
            assert_same_ranking("search", emulated, expected, limit=limit)


# JSON has no number for the score of vectors that are too long, and spells out -0.
def test_scores_that_are_no_numbers_in_json_are_compared() -> None:
    negative_zero = {"$float": "AAAAAAAAAIA="}
    emulated = Answer(value=[{"_id": "a", "_score": None}, {"_id": "b", "_score": negative_zero}])
    expected = Answer(value=[{"_id": "a", "_score": None}, {"_id": "b", "_score": 0.0}])
    other = Answer(value=[{"_id": "a", "_score": 1.0}, {"_id": "b", "_score": 0.0}])

    assert_same_ranking("search", emulated, expected, limit=10, fields=VECTOR_SEARCH_FIELDS)
    with pytest.raises(AssertionError, match="search"):
        assert_same_ranking("search", emulated, other, limit=10, fields=VECTOR_SEARCH_FIELDS)


def test_scores_further_apart_than_single_precision_differ() -> None:
    with pytest.raises(AssertionError, match="search"):
        assert_same_ranking("search", ranking(("a", 0.5)), ranking(("a", 0.500002)), limit=10)


def test_every_rule_is_registered() -> None:
    registered = {entry.id for entry in load_divergences().values() if entry.target == "oracle"}

    assert {rule.divergence for rule in TEXT_RULES} <= registered


# An entry that no test shows would stay for ever, whether or not it still holds.
def test_every_registered_difference_of_the_oracle_is_shown() -> None:
    source = Path(__file__).with_name("test_divergences.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    markers = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "diverges"]
    shown = {marker.args[0].value for marker in markers if isinstance(marker.args[0], ast.Constant)}

    assert shown == {
        entry.id for entry in load_divergences().values() if entry.target == "oracle" and entry.shown_by == "tests"
    }

"""Where convex-test, under the oracle, does not do what a deployment does: one example for each registered difference.

Each test asks the two for the same thing and must fail; the day one passes, its rule in
`pytest_mastra_convex.comparison` (or the gap in a generator) and its entry in `divergences.toml` go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_mastra_convex.comparison import Answer, canonical_text, same_text
from tests.differential.pair import Pair, Row

STORAGE = "mastra/storage:handle"
WRITE, READ, QUERY = "mastra/nativeVector:write", "mastra/nativeVector:read", "mastra/nativeVector:query"
NOTES = {"tableName": "notes_vectors", "vectorIndexName": "by_embedding", "filterFields": ["label", "tenant"]}
A_RESOURCE = {"id": "r", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"}
A_SCHEDULE = {"target": "{}", "cron": "", "status": "active", "next_fire_at": 0, "created_at": 0, "updated_at": 0}


@pytest.fixture
def pair(new_pair_with_oracle: Callable[[], Pair]) -> Pair:
    return new_pair_with_oracle()


def assert_equal_answers(answers: tuple[Answer, Answer]) -> None:
    """Without any of the rules that forgive."""
    emulated, expected = answers
    assert (emulated.value, canonical_text(emulated.error or "")) == (
        expected.value,
        canonical_text(expected.error or ""),
    )


def assert_equal_reasons(answers: tuple[Answer, Answer]) -> None:
    """With the rules for texts: both are refused for the same reason."""
    emulated, expected = answers
    reason, expected_reason = same_text(emulated.error or "", expected.error or "")
    assert reason == expected_reason


def storage(pair: Pair, op: str, table: str, **args: Any) -> tuple[Answer, Answer]:
    return pair.on_both(lambda side: side.call("mutation", STORAGE, {"op": op, "tableName": table, **args}))


def write(pair: Pair, op: str, **args: Any) -> tuple[Answer, Answer]:
    return pair.on_both(lambda side: side.call("mutation", WRITE, {"op": op, "config": NOTES, **args}))


def search(pair: Pair, config: Row = NOTES, **args: Any) -> tuple[Answer, Answer]:
    """The scores alone: the ids that a search finds are the deployment's own."""

    def scores(side: Any) -> Answer:
        answer: Answer = side.call("action", QUERY, {"config": config, "vector": [1, 0, 0], "limit": 10, **args})
        return Answer(value=[row["score"] for row in answer.value or []], error=answer.error)

    return pair.on_both(scores)


def program(pair: Pair, *steps: Row) -> tuple[Answer, Answer]:
    """The answer of the last step."""

    def last(side: Any) -> Answer:
        *_, answer = side.program(list(steps))
        return Answer(value=answer.get("value"), error=answer.get("error"))

    return pair.on_both(last)


def an_insert(**value: Any) -> Row:
    return {"op": "insert", "table": "playground", "value": value}


def a_query(**query: Any) -> Row:
    return {"op": "query", "table": "playground", **query}


def where(op: str, field: str, value: Any) -> Row:
    return {"op": op, "left": {"field": field}, "right": {"value": value}}


# Texts


@pytest.mark.diverges("schema-violation-text")
def test_schema_violation(pair: Pair) -> None:
    assert_equal_answers(storage(pair, "insert", "mastra_resources", record={"id": "r"}))


@pytest.mark.diverges("argument-validation-text")
def test_argument_validation(pair: Pair) -> None:
    assert_equal_answers(write(pair, "clear"))


@pytest.mark.diverges("missing-index-text")
def test_missing_index(pair: Pair) -> None:
    assert_equal_answers(search(pair, {**NOTES, "vectorIndexName": "by_nothing"}))


@pytest.mark.diverges("missing-document-text")
def test_missing_document(pair: Pair) -> None:
    write(pair, "upsert", ids=["a"], vectors=[[1, 0, 0]])

    assert_equal_answers(write(pair, "deleteByIds", ids=["a", "a"]))


@pytest.mark.diverges("system-field-text")
def test_system_field_of_another_document(pair: Pair) -> None:
    assert_equal_answers(program(pair, an_insert(), {"op": "patch", "id": {"$ref": 0}, "value": {"_creationTime": 1}}))


@pytest.mark.diverges("index-range-text")
def test_range_on_a_field_that_is_not_indexed(pair: Pair) -> None:
    by_c = [{"op": "eq", "field": "c", "value": 1}]

    assert_equal_answers(program(pair, a_query(index="by_a", range=by_c)))


@pytest.mark.diverges("first-failure-of-a-batch")
def test_batch_that_fails_for_two_reasons(pair: Pair) -> None:
    schedules = [{**A_SCHEDULE, "id": record_id} for record_id in ("a", "b", "c")]
    storage(pair, "batchInsert", "mastra_schedules", records=schedules)
    storage(pair, "updateSchedule", "mastra_schedules", id="c", patch={"id": "b"})

    # Both refuse the batch: one for the bad row, the other for the two rows of one id.
    failed = storage(pair, "batchInsert", "mastra_schedules", records=[{"id": "a", "cron": 5}, {"id": "b"}])

    assert_equal_reasons(failed)


# Documents


@pytest.mark.diverges("document-field-names")
def test_field_that_begins_with_an_underscore(pair: Pair) -> None:
    assert_equal_answers(program(pair, an_insert(_x=1), a_query(first=True)))


@pytest.mark.diverges("system-fields-of-new-documents")
def test_new_document_with_an_id(pair: Pair) -> None:
    assert_equal_answers(storage(pair, "insert", "mastra_resources", record={**A_RESOURCE, "_id": "mine"}))


@pytest.mark.diverges("argument-field-names")
def test_argument_with_a_reserved_field_name(pair: Pair) -> None:
    record = {**A_RESOURCE, "metadata": {"$or": []}}

    assert_equal_answers(storage(pair, "insert", "mastra_resources", record=record))


@pytest.mark.diverges("half-characters")
def test_half_a_character(pair: Pair) -> None:
    storage(pair, "insert", "mastra_resources", record=A_RESOURCE)

    # Spread as an object, a text falls into UTF-16 units.
    merged = storage(pair, "updateResource", "mastra_resources", resourceId="r", metadata="😀", updatedAt="2026-01-02")

    assert_equal_answers(merged)


@pytest.mark.diverges("value-limits")
def test_document_that_is_too_deep(pair: Pair) -> None:
    deep: Any = {}
    for _ in range(20):
        deep = {"a": deep}

    assert_equal_answers(storage(pair, "insert", "mastra_resources", record={**A_RESOURCE, "metadata": deep}))


@pytest.mark.diverges("patch-with-no-object")
def test_patch_with_null(pair: Pair) -> None:
    storage(pair, "createSchedule", "mastra_schedules", record={**A_SCHEDULE, "id": "s"})

    assert_equal_answers(storage(pair, "updateSchedule", "mastra_schedules", id="s", patch=None))


@pytest.mark.diverges("removal-of-an-unknown-field")
def test_removal_of_a_filter_field_that_the_table_does_not_have(pair: Pair) -> None:
    config = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding", "filterFields": ["label"]}
    args = {"op": "upsert", "config": config, "ids": ["a"], "vectors": [[1, 0, 0]], "metadata": [{}]}
    pair.on_both(lambda side: side.call("mutation", WRITE, args))

    # The row is there now: it is patched, and filter fields that its metadata lacks are removed.
    assert_equal_answers(pair.on_both(lambda side: side.call("mutation", WRITE, args)))


@pytest.mark.diverges("undecodable-ids")
def test_id_that_is_none(pair: Pair) -> None:
    read = {"op": "getByConvexIds", "config": NOTES, "ids": ["garbage"]}

    assert_equal_answers(pair.on_both(lambda side: side.call("query", READ, read)))


# Queries


@pytest.mark.diverges("filter-comparison")
def test_comparison_of_a_missing_field(pair: Pair) -> None:
    assert_equal_answers(program(pair, an_insert(b=1), a_query(filter=where("lt", "a", 5))))


@pytest.mark.diverges("filter-truthiness")
def test_filter_that_is_no_boolean(pair: Pair) -> None:
    assert_equal_answers(program(pair, an_insert(a="text"), a_query(filter={"field": "a"})))


@pytest.mark.diverges("filter-without-field")
def test_filter_without_a_field(pair: Pair) -> None:
    storage(pair, "insert", "mastra_resources", record=A_RESOURCE)

    assert_equal_answers(storage(pair, "queryTable", "mastra_resources", filters=[{"value": 1}]))


@pytest.mark.diverges("index-range-order")
def test_equalities_out_of_the_order_of_the_index(pair: Pair) -> None:
    swapped = [{"op": "eq", "field": "b", "value": 2}, {"op": "eq", "field": "a", "value": 1}]

    assert_equal_answers(program(pair, an_insert(a=1, b=2), a_query(index="by_a_b", range=swapped)))


@pytest.mark.diverges("index-prefixes")
def test_text_that_goes_on_with_nul(pair: Pair) -> None:
    by_a = [{"op": "eq", "field": "a", "value": "a"}]

    assert_equal_answers(program(pair, an_insert(a="a\0b"), a_query(index="by_a", range=by_a)))


@pytest.mark.diverges("full-last-page")
def test_page_that_the_last_document_fills(pair: Pair) -> None:
    storage(pair, "batchInsert", "mastra_vector_docs", records=[{"id": "a", "embedding": [1]}])

    emulated, expected = storage(pair, "queryTable", "mastra_vector_docs", pageSize=1)

    assert emulated.value["hasMore"] == expected.value["hasMore"]


@pytest.mark.diverges("page-sizes")
def test_page_larger_than_a_deployment_gives(pair: Pair) -> None:
    assert_equal_answers(storage(pair, "queryTable", "mastra_vector_docs", pageSize=32_001, filters=[]))


@pytest.mark.diverges("cursors")
def test_cursor_that_cannot_be_read(pair: Pair) -> None:
    assert_equal_answers(storage(pair, "queryTable", "mastra_vector_docs", pageSize=1, cursor="garbage"))


# Vector search


@pytest.mark.diverges("vector-score-precision")
def test_score_with_more_digits(pair: Pair) -> None:
    write(pair, "upsert", ids=["a"], vectors=[[1, 1, 0]])

    assert_equal_answers(search(pair))


@pytest.mark.diverges("vector-ties")
def test_rows_of_one_score(pair: Pair) -> None:
    ids = [f"row {number}" for number in range(20)]
    write(pair, "upsert", ids=ids, vectors=[[1, 0, 0]] * 20)

    def record_ids(side: Any) -> Answer:
        found = side.call("action", QUERY, {"config": NOTES, "vector": [1, 0, 0], "limit": 20})
        read = {"op": "getByConvexIds", "config": NOTES, "ids": [row["id"] for row in found.value]}
        return Answer(value=[row["id"] for row in side.call("query", READ, read).value])

    assert_equal_answers(pair.on_both(record_ids))


@pytest.mark.diverges("vector-default-limit")
def test_search_without_a_limit(pair: Pair) -> None:
    write(pair, "upsert", ids=[f"row {number}" for number in range(11)], vectors=[[1, 0, 0]] * 11)

    def count(side: Any) -> Answer:
        return Answer(value=len(side.call("action", QUERY, {"config": NOTES, "vector": [1, 0, 0]}).value))

    assert_equal_answers(pair.on_both(count))


@pytest.mark.diverges("vector-dimensions")
def test_vector_of_another_length_is_stored_and_not_found(pair: Pair) -> None:
    write(pair, "upsert", ids=["a", "b"], vectors=[[1, 0, 0], [1, 0, 0, 0]])

    assert_equal_answers(search(pair))


@pytest.mark.diverges("vector-filter-fields")
def test_filter_on_an_undeclared_field(pair: Pair) -> None:
    assert_equal_answers(search(pair, filter={"field": "other", "value": "x"}))


@pytest.mark.diverges("vector-search-without-table")
def test_search_of_a_table_that_does_not_exist(pair: Pair) -> None:
    assert_equal_answers(search(pair, {**NOTES, "tableName": "nowhere"}))


@pytest.mark.diverges("null-for-an-object")
def test_null_where_an_object_belongs(pair: Pair) -> None:
    assert_equal_reasons(write(pair, "upsert", config=None))

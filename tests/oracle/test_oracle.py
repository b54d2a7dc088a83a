"""The oracle answers as its callers rely on: functions, error texts, time, database programs, schema."""

import time
from typing import Any

import pytest

from pytest_mastra_convex.node_project import NodeProjectError, Oracle, ValueFormat
from pytest_mastra_convex.probe import CONFORMANCE_TABLES

MASTRA_TABLES = {
    "mastra_background_tasks",
    "mastra_cache",
    "mastra_cache_list_items",
    "mastra_channel_config",
    "mastra_channel_installations",
    "mastra_documents",
    "mastra_messages",
    "mastra_observational_memory",
    "mastra_resources",
    "mastra_schedule_triggers",
    "mastra_schedules",
    "mastra_scorers",
    "mastra_threads",
    "mastra_vector_indexes",
    "mastra_vectors",
    "mastra_workflow_snapshots",
}
DOCS = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding"}
NOTES = {"tableName": "notes_vectors", "vectorIndexName": "by_embedding", "filterFields": ["label", "tenant"]}


@pytest.fixture(autouse=True)
def empty_oracle(oracle: Oracle) -> None:
    oracle.reset()


def store(oracle: Oracle, table: str, record: dict[str, Any]) -> dict[str, Any]:
    return oracle.call("mutation", "mastra/storage:handle", {"op": "insert", "tableName": table, "record": record})


def load(oracle: Oracle, table: str, record_id: str, value_format: ValueFormat = "convex_encoded_json") -> Any:
    args = {"op": "load", "tableName": table, "keys": {"id": record_id}}
    return oracle.call("mutation", "mastra/storage:handle", args, value_format)["value"]["result"]


def cache(oracle: Oracle, key: str, value: str, expires_at: int | None) -> None:
    args = {"op": "set", "key": key, "keyPrefix": "p:", "value": value, "expiresAt": expires_at}
    assert oracle.call("mutation", "mastra/cache:handle", args) == {"status": "success", "value": {"ok": True}}


def cached(oracle: Oracle, key: str) -> Any:
    return oracle.call("mutation", "mastra/cache:handle", {"op": "get", "key": key})["value"]["result"]


def test_storage_handler_stores_and_loads(oracle: Oracle) -> None:
    stored = store(oracle, "mastra_resources", {"id": "r-1", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"})

    assert stored == {"status": "success", "value": {"ok": True}}
    assert load(oracle, "mastra_resources", "r-1")["createdAt"] == "2026-01-01"


def test_cache_handler_stores_and_loads(oracle: Oracle) -> None:
    cache(oracle, "p:greeting", "hello", None)

    assert cached(oracle, "p:greeting") == "hello"


def test_native_vector_handlers_write_search_and_read(oracle: Oracle) -> None:
    rows = {"ids": ["x", "y"], "vectors": [[1, 0, 0], [0, 1, 0]]}

    written = oracle.call("mutation", "mastra/nativeVector:write", {"op": "upsert", "config": DOCS, **rows})
    found = oracle.call("action", "mastra/nativeVector:query", {"config": DOCS, "vector": [0, 2, 0], "limit": 1})
    (best,) = found["value"]
    read = oracle.call(
        "query", "mastra/nativeVector:read", {"op": "getByConvexIds", "config": DOCS, "ids": [best["id"]]}
    )

    assert written["value"] == {"ok": True}
    assert best["score"] == 1
    assert [row["id"] for row in read["value"]] == ["y"]


def test_native_vectors_are_filtered_by_a_declared_field(oracle: Oracle) -> None:
    rows = {
        "ids": ["near", "far"],
        "vectors": [[1, 0, 0], [0, 1, 0]],
        "metadata": [{"label": "other"}, {"label": "mine"}],
    }
    oracle.call("mutation", "mastra/nativeVector:write", {"op": "upsert", "config": NOTES, **rows})

    search = {"config": NOTES, "vector": [1, 0, 0], "filter": {"field": "label", "value": "mine"}}
    found = oracle.call("action", "mastra/nativeVector:query", search)

    assert [match["score"] for match in found["value"]] == [0]


def test_text_of_a_thrown_error_comes_through(oracle: Oracle) -> None:
    answer = oracle.call("mutation", "mastra/nativeVector:write", {"op": "deleteByIds", "config": DOCS})

    assert answer == {"status": "error", "errorMessage": "Native vector deleteByIds: ids are required"}


def test_schema_is_enforced(oracle: Oracle) -> None:
    answer = store(oracle, "mastra_resources", {"id": "r-2", "createdAt": "2026-01-01"})

    assert answer["status"] == "error"
    assert "Missing required field `updatedAt`" in answer["errorMessage"]


def test_function_of_another_kind_is_refused(oracle: Oracle) -> None:
    answer = oracle.call("query", "mastra/storage:handle", {})

    assert answer["status"] == "error"
    assert "`handle` is not a query" in answer["errorMessage"]


# The differential tests compare values of every type, so no type may be lost on the way in or out.
def test_encoded_values_keep_their_types(oracle: Oracle) -> None:
    values = {
        "int64": {"$integer": "AQAAAAAAAAA="},
        "nan": {"$float": "AAAAAAAA+H8="},
        "negative_zero": {"$float": "AAAAAAAAAIA="},
        "bytes": {"$bytes": "AQI="},
        "list": [None, True, 1.5, "ä"],
    }

    store(oracle, "every_type", {"id": "encoded", **values})

    assert load(oracle, "every_type", "encoded") == {"id": "encoded", **values}


def test_clean_json_writes_what_plain_readers_understand(oracle: Oracle) -> None:
    values = {
        "int64": {"$integer": "AQAAAAAAAAA="},
        "nan": {"$float": "AAAAAAAA+H8="},
        "infinity": {"$float": "AAAAAAAA8P8="},
        "negative_zero": {"$float": "AAAAAAAAAIA="},
        "bytes": {"$bytes": "AQI="},
    }

    store(oracle, "every_type", {"id": "clean", **values})
    loaded = load(oracle, "every_type", "clean", "json")

    clean = {"id": "clean", "int64": "1", "nan": "NaN", "infinity": "-Infinity", "negative_zero": -0.0, "bytes": "AQI="}
    assert loaded == clean
    assert str(loaded["negative_zero"]) == "-0.0"


def test_reset_empties_every_table(oracle: Oracle) -> None:
    store(oracle, "mastra_resources", {"id": "r-3", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"})
    cache(oracle, "p:reset", "x", None)

    oracle.reset()

    assert oracle.dump("mastra_resources") == []
    assert oracle.dump("mastra_cache") == []


# A cache entry is expired when expiresAt <= now, so one millisecond decides.
@pytest.mark.parametrize(("now", "value"), [(1_999_999_999_999, "alive"), (2_000_000_000_000, None)])
def test_time_can_be_fixed(oracle: Oracle, now: int, value: str | None) -> None:
    cache(oracle, "p:expiring", "alive", 2_000_000_000_000)

    oracle.set_time(now)

    assert cached(oracle, "p:expiring") == value


def test_reset_fixes_the_time_of_what_follows(oracle: Oracle) -> None:
    oracle.reset(now=1_000_000_000_000)

    oracle.program([{"op": "insert", "table": "playground", "value": {}}])

    assert [row["_creationTime"] for row in oracle.dump("playground")] == [1_000_000_000_000]


def test_reset_without_time_gives_the_real_time_back(oracle: Oracle) -> None:
    oracle.set_time(1_000_000_000_000)

    oracle.reset()
    before = time.time() * 1000
    oracle.program([{"op": "insert", "table": "playground", "value": {}}])
    (row,) = oracle.dump("playground")

    # A second of slack: two processes may read the machine's clock at different precision.
    assert before - 1000 < row["_creationTime"] < time.time() * 1000 + 1000


def test_program_steps_refer_to_earlier_results(oracle: Oracle) -> None:
    results = oracle.program(
        [
            {"op": "insert", "table": "playground", "value": {"a": 1, "b": 2}},
            {"op": "patch", "id": {"$ref": 0}, "value": {"a": {"$undefined": None}, "c": 3}},
            {"op": "get", "id": {"$ref": 0}},
            {"op": "replace", "id": {"$ref": 0}, "value": {"d": 4}},
            {"op": "query", "table": "playground", "unique": True},
            {"op": "delete", "id": {"$ref": 0}},
            {"op": "get", "id": {"$ref": 0}},
        ]
    )

    values = [result["value"] for result in results]
    system_fields = {"_id": values[0], "_creationTime": values[2]["_creationTime"]}
    assert values[1:] == [None, {**system_fields, "b": 2, "c": 3}, None, {**system_fields, "d": 4}, None, None]


def test_program_queries_by_index_range_order_and_filter(oracle: Oracle) -> None:
    rows = [{"a": 1, "b": b, "odd": b % 2 == 1} for b in range(6)] + [{"a": 2, "b": 3, "odd": True}]
    inserts = [{"op": "insert", "table": "playground", "value": row} for row in rows]
    query = {
        "op": "query",
        "table": "playground",
        "index": "by_a_b",
        "range": [{"op": "eq", "field": "a", "value": 1}, {"op": "gte", "field": "b", "value": 1}],
        "order": "desc",
        "filter": {
            "op": "and",
            "args": [
                {"op": "eq", "left": {"field": "odd"}, "right": {"value": True}},
                {"op": "not", "arg": {"op": "gt", "left": {"field": "b"}, "right": {"value": 3}}},
            ],
        },
    }

    *_, result = oracle.program([*inserts, query])

    assert [row["b"] for row in result["value"]] == [3, 1]


def test_program_pages_through_a_query(oracle: Oracle) -> None:
    oracle.program([{"op": "insert", "table": "playground", "value": {"a": a}} for a in range(5)])
    pages: list[list[int]] = []
    cursor = None

    for _ in range(3):
        options = {"cursor": cursor, "numItems": 2}
        (result,) = oracle.program([{"op": "query", "table": "playground", "index": "by_a", "paginate": options}])
        pages.append([row["a"] for row in result["value"]["page"]])
        cursor = result["value"]["continueCursor"]

    assert pages == [[0, 1], [2, 3], [4]]
    assert result["value"]["isDone"]


def test_program_goes_on_after_a_database_error(oracle: Oracle) -> None:
    failed, inserted = oracle.program(
        [
            {"op": "query", "table": "playground", "index": "by_nothing"},
            {"op": "insert", "table": "playground", "value": {"a": 1}},
        ]
    )

    assert 'Cannot use index "by_nothing"' in failed["error"]
    assert [row["_id"] for row in oracle.dump("playground")] == [inserted["value"]]


# A mistake in a test's program must not read like an answer of the database.
@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"op": "upsert"}, "probe: unknown step upsert"),
        ({"op": "insert", "table": "playground"}, "insert needs value"),
        ({"op": "query", "table": "playground", "takes": 1}, "query takes no takes"),
        ({"op": "query", "table": "playground", "take": 1, "first": True}, "not in take and first"),
        ({"op": "query", "table": "playground", "filter": {"op": "xor"}}, "unknown filter expression"),
        ({"op": "get", "id": {"$ref": 1}}, "a reference must be the number of an earlier step"),
    ],
)
def test_malformed_program_is_refused_and_leaves_nothing(oracle: Oracle, step: dict[str, Any], text: str) -> None:
    insert = {"op": "insert", "table": "playground", "value": {}}

    with pytest.raises(NodeProjectError, match=text):
        oracle.program([insert, step])

    assert oracle.dump("playground") == []


def test_dump_is_in_creation_order(oracle: Oracle) -> None:
    # At a fixed time, convex-test tells documents apart by a thousandth of a millisecond.
    oracle.set_time(1_000_000_000_000)

    oracle.program([{"op": "insert", "table": "playground", "value": {"a": a}} for a in (3, 1, 2)])

    assert [row["a"] for row in oracle.dump("playground")] == [3, 1, 2]


def test_dump_of_an_unknown_table_is_refused(oracle: Oracle) -> None:
    with pytest.raises(NodeProjectError, match='unknown table \\\\"playgroud\\\\"; known are mastra_threads'):
        oracle.dump("playgroud")


def test_schema_has_every_mastra_table_and_the_test_tables(oracle: Oracle) -> None:
    schema = oracle.schema()

    assert schema["schemaValidation"] is True
    names = [table["tableName"] for table in schema["tables"]]
    own = {"docs_vectors", "notes_vectors", "playground", *CONFORMANCE_TABLES}
    assert sorted(names) == sorted(MASTRA_TABLES | own)


# A comparison is worth what it was made with: an upgrade of one of these must be seen.
def test_version_names_the_pinned_packages(oracle: Oracle) -> None:
    assert oracle.version().splitlines() == [
        "convex-test 0.0.60",
        "convex 1.48.0",
        "@mastra/convex 1.5.2",
        "@mastra/core 1.71.0",
    ]

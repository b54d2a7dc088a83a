"""The rules of a vector search and their order: convex-engine.md §8.3 and §8.4."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from convex import ConvexInt64

import convex_mastra_emulator as package
from convex_mastra_emulator import Emulator, Limits, ManualClock, action, mutation, undefined
from convex_mastra_emulator.database.expression import Comparison, FieldReference, Literal
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.vector_search import VectorQuery, vector_search
from convex_mastra_emulator.errors import DeploymentError, InvalidQuery, ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v

SCHEMA = define_schema(
    {
        "docs": define_table(v.any())
        .index("by_name", ["name"])
        .vector_index("by_e", vector_field="e", dimensions=2, filter_fields=["kind", "lang", "m.deep"])
        .vector_index("staged", vector_field="e", dimensions=3, staged=True)
        .vector_index("wide", vector_field="wide", dimensions=4096)
        .search_index("text", search_field="name"),
    }
)
INTERNAL = "Your request couldn't be completed. Try again later."


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    with Emulator(SCHEMA, seed=1, clock=ManualClock()) as emulator:
        yield emulator


def insert(emulator: Emulator, *documents: dict[str, Any]) -> None:
    emulator.run(lambda ctx: [ctx.db.insert("docs", {"e": [1.0, 0.0], **document}) for document in documents])


def search(
    emulator: Emulator, table: str = "docs", index: str = "by_e", *, vector: Any = (1, 0), **options: Any
) -> list[dict[str, Any]]:
    emulator.define("t:search", action(lambda ctx, args: ctx.vector_search(table, index, vector=vector, **options)))
    found: list[dict[str, Any]] = emulator.action("t:search")
    return found


def names(emulator: Emulator, **options: Any) -> set[str]:
    """The names of the documents that are found."""
    found = search(emulator, limit=256, **options)
    documents = emulator.run(lambda ctx: [ctx.db.get(row["_id"]) for row in found])
    return {document["name"] for document in documents}


def refused(
    emulator: Emulator, error: type[Exception], text: str, table: str = "docs", index: str = "by_e", **options: Any
) -> Any:
    """The search is refused inside of the action with exactly that text; gives the error."""
    errors: list[Any] = []

    def body(ctx: Any, args: Any) -> None:
        with pytest.raises(error, match=f"^{re.escape(text)}$") as caught:
            ctx.vector_search(table, index, **{"vector": [1, 0], **options})
        errors.append(caught.value)

    emulator.define("t:refused", action(body))
    emulator.action("t:refused")
    return errors[0]


# Results


def test_results_have_ids_and_scores_best_first(deployment: Emulator) -> None:
    insert(deployment, {"e": [0, 1]}, {"e": [1, 0]}, {"e": [1, 1]})

    found = search(deployment)

    assert [set(row) for row in found] == [{"_id", "_score"}] * 3
    assert [round(row["_score"], 6) for row in found] == [1.0, 0.707107, 0.0]


def test_ten_results_unless_told_otherwise(deployment: Emulator) -> None:
    insert(deployment, *({} for _ in range(11)))

    assert len(search(deployment)) == 10
    assert len(search(deployment, limit=None)) == 10
    assert len(search(deployment, limit=11)) == 11


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (1, 1), (255, 255), (256, 256)])
def test_as_many_results_as_the_limit(deployment: Emulator, limit: int, count: int) -> None:
    insert(deployment, *({} for _ in range(257)))

    assert len(search(deployment, limit=limit)) == count


def test_limit_beyond_256(deployment: Emulator) -> None:
    error = refused(deployment, InvalidQuery, "Vector queries can fetch at most 256 results, requested 257.", limit=257)

    assert error.code == "VectorLimitTooLargeError"


@pytest.mark.parametrize("limit", [-1, 1.5])
def test_limit_that_is_no_whole_number_is_an_internal_error(deployment: Emulator, limit: float) -> None:
    refused(deployment, ThrownError, INTERNAL, limit=limit)


# Vectors


@pytest.mark.parametrize("vector", [[], None, "ab", 5, {}])
def test_vector_that_is_no_list_or_empty(deployment: Emulator, vector: Any) -> None:
    refused(deployment, ThrownError, "`vector` must be a non-empty Array in vectorSearch", vector=vector)


@pytest.mark.parametrize("length", [1, 3, 4096])
def test_vector_of_another_dimension(deployment: Emulator, length: int) -> None:
    text = f"Expected a vector with dimensions 2, received {length}."
    error = refused(deployment, InvalidQuery, text, vector=[0.0] * length)

    assert error.code == "VectorDimensionsMismatch"


def test_vector_beyond_the_largest_dimension(deployment: Emulator) -> None:
    text = "Expected a vector with dimensions 4096, received 4097."
    error = refused(deployment, InvalidQuery, text, vector=[0.0] * 4097)

    assert error.code == "VectorDimensionsMismatch"


def test_vector_of_the_largest_dimension(deployment: Emulator) -> None:
    insert(deployment, {"wide": [1.0] * 4096})

    [found] = search(deployment, index="wide", vector=[1.0] * 4096)

    assert found["_score"] == pytest.approx(1.0)


# JSON has none of them: they arrive as null or as text, which is no number.
@pytest.mark.parametrize("element", [math.nan, math.inf, -math.inf, "1", None])
def test_element_that_json_has_no_number_for_is_an_internal_error(deployment: Emulator, element: Any) -> None:
    refused(deployment, ThrownError, INTERNAL, vector=[1.0, element])


def test_int64_element_is_a_type_error(deployment: Emulator) -> None:
    refused(deployment, TypeError, "Do not know how to serialize a BigInt", vector=[1.0, ConvexInt64(1)])


# Tables and indexes


def test_missing_table_has_no_results_whatever_else_is_wrong(deployment: Emulator) -> None:
    everything_wrong = {"vector": [0.0] * 5000, "limit": 999, "filter": lambda q: q.eq("undeclared", 1)}

    assert search(deployment, "nope", "nope", **everything_wrong) == []


@pytest.mark.parametrize(
    ("index", "code", "text"),
    [
        ("nope", "IndexNotFoundError", "Index docs.nope not found."),
        ("by_name", "IndexNotAVectorIndexError", "Index docs.by_name is not a vector index"),
        ("by_id", "IndexNotAVectorIndexError", "Index docs.by_id is not a vector index"),
        ("text", "IndexNotAVectorIndexError", "Index docs.text is not a vector index"),
        (
            "staged",
            "IndexStagedError",
            "Index docs.staged is currently staged and not available to query until it is enabled.",
        ),
    ],
)
def test_index_that_cannot_be_searched(deployment: Emulator, index: str, code: str, text: str) -> None:
    assert refused(deployment, InvalidQuery, text, index=index).code == code


@pytest.mark.parametrize(("table", "index", "bad"), [("a-b", "by_e", "a-b"), ("docs", "by-e", "by-e")])
def test_name_that_is_no_identifier(deployment: Emulator, table: str, index: str, bad: str) -> None:
    text = (
        f'Invalid table name: "{bad}". '
        "Identifiers must start with a letter and can only contain letters, digits, and underscores."
    )
    assert refused(deployment, InvalidQuery, text, table, index).code == "InvalidVectorQuery"


# Filters


KINDS: list[dict[str, Any]] = [
    {"name": "a1", "kind": "a", "lang": "en"},
    {"name": "a2", "kind": "a", "lang": "de"},
    {"name": "b1", "kind": "b", "lang": "en"},
    {"name": "null", "kind": None, "lang": "fr"},
    {"name": "missing", "m": {"deep": 1}},
]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (lambda q: q.eq("kind", "a"), {"a1", "a2"}),
        (lambda q: q.eq("kind", "z"), set()),
        (lambda q: q.or_(q.eq("kind", "a"), q.eq("kind", "b")), {"a1", "a2", "b1"}),
        (lambda q: q.or_(q.eq("kind", "b"), q.eq("lang", "de")), {"b1", "a2"}),
        (lambda q: q.or_(q.eq("kind", "a"), q.eq("lang", "en")), {"a1", "a2", "b1"}),
        (lambda q: q.or_(q.or_(q.eq("kind", "b")), q.or_(q.eq("lang", "fr"))), {"b1", "null"}),
        (lambda q: q.or_(), {"a1", "a2", "b1", "null", "missing"}),
        (lambda q: q.eq("kind", None), {"null"}),
        (lambda q: q.eq("kind", undefined), {"missing"}),
        (lambda q: q.eq("m.deep", 1), {"missing"}),
        (lambda q: q.eq("m.deep", undefined), {"a1", "a2", "b1", "null"}),
    ],
)
def test_conditions_are_alternatives(deployment: Emulator, condition: Any, found: set[str]) -> None:
    insert(deployment, *KINDS)

    assert names(deployment, filter=condition) == found


@pytest.mark.parametrize(
    ("stored", "asked", "is_found"),
    [
        (1.0, 1, True),
        (1.0, ConvexInt64(1), False),
        (0.0, -0.0, False),
        (math.nan, math.nan, True),
        ([1.0, "a"], [1, "a"], True),
        ({"b": 1.0, "a": 2.0}, {"a": 2, "b": 1}, True),
        ("a", "A", False),
        (False, None, False),
    ],
)
def test_filter_values_are_equal_as_in_the_total_order(
    deployment: Emulator, stored: Any, asked: Any, is_found: bool
) -> None:
    insert(deployment, {"name": "x", "kind": stored})

    assert names(deployment, filter=lambda q: q.eq("kind", asked)) == ({"x"} if is_found else set())


def test_64_conditions_are_allowed(deployment: Emulator) -> None:
    insert(deployment, *({"name": str(n), "kind": n} for n in range(70)))

    found = names(deployment, filter=lambda q: q.or_(*(q.eq("kind", n) for n in range(64))))

    assert found == {str(n) for n in range(64)}


def test_65_conditions_are_refused(deployment: Emulator) -> None:
    def conditions(q: Any) -> Any:
        return q.or_(*(q.eq("kind", n) for n in range(60)), *(q.eq("lang", n) for n in range(5)))

    text = "Vector query against docs.by_e has too many conditions. Max: 64 Actual: 65"
    error = refused(deployment, InvalidQuery, text, filter=conditions)

    assert error.code == "TooManyElementsInVectorQueryError"


def test_equal_conditions_count_once(deployment: Emulator) -> None:
    insert(deployment, {"name": "a", "kind": "a"})

    assert names(deployment, filter=lambda q: q.or_(*(q.eq("kind", "a") for _ in range(100)))) == {"a"}


@pytest.mark.parametrize("field", ["name", "m", "_id", "kind.deeper"])
def test_field_that_is_not_declared(deployment: Emulator, field: str) -> None:
    text = (
        f'Vector query against docs.by_e contains a filter on "{field}" '
        "but that field isn't indexed for filtering in `filterFields`."
    )
    error = refused(deployment, InvalidQuery, text, filter=lambda q: q.eq(field, 1))

    assert error.code == "IncorrectVectorFilterField"


@pytest.mark.parametrize(
    "condition",
    [lambda q: True, lambda q: "kind", lambda q: None, lambda q: undefined, lambda q: q.or_(True)],
    ids=["true", "text", "null", "undefined", "or of true"],
)
def test_filter_that_is_no_condition(deployment: Emulator, condition: Any) -> None:
    text = "Filters should be a combination of `q.eq` and `q.or`."
    assert refused(deployment, InvalidQuery, text, filter=condition).code == "InvalidVectorQuery"


def test_field_of_a_condition_must_be_a_text(deployment: Emulator) -> None:
    text = "The first argument to `q.eq` must be a field name."
    refused(deployment, ThrownError, text, filter=lambda q: q.eq(5, "a"))


def test_field_of_a_condition_must_be_a_path(deployment: Emulator) -> None:
    text = (
        "Identifier a b has invalid character ' ': Identifiers can only contain alphanumeric characters or underscores"
    )
    refused(deployment, InvalidQuery, text, filter=lambda q: q.eq("a b", 1))


# Only a client that writes the request itself can ask so.
@pytest.mark.parametrize(
    "condition",
    [
        Comparison("eq", Literal("kind"), Literal("a")),
        Comparison("eq", FieldReference(("kind",)), FieldReference(("lang",))),
    ],
    ids=["two values", "two fields"],
)
def test_condition_must_compare_a_field_with_a_value(condition: Comparison) -> None:
    text = "`q.eq` must take a field path as its first argument and a value as its second "
    with pytest.raises(InvalidQuery, match=f"^{re.escape(text.rstrip())} ?$") as caught:
        vector_search(Store(SCHEMA), Limits(), "docs", "by_e", VectorQuery(vector=[1.0, 0.0], filter=condition))

    assert caught.value.code == "InvalidVectorQuery"


@pytest.mark.parametrize("operation", ["neq", "gt", "lte"])
def test_condition_must_be_an_equality(operation: str) -> None:
    condition = Comparison(operation, FieldReference(("kind",)), Literal("a"))
    with pytest.raises(InvalidQuery, match=r"^Filters should be a combination of `q\.eq` and `q\.or`\.$"):
        vector_search(Store(SCHEMA), Limits(), "docs", "by_e", VectorQuery(vector=[1.0, 0.0], filter=condition))


# Order of the checks: each search breaks one rule and every later one


LATER_RULES: list[tuple[dict[str, Any], str]] = [
    ({"limit": -1}, INTERNAL),
    ({"filter": lambda q: True}, "Filters should be a combination of `q.eq` and `q.or`."),
    ({"index": "nope"}, "Index docs.nope not found."),
    ({"vector": [0.0] * 4097}, "Expected a vector with dimensions 4096, received 4097."),
    ({"limit": 257}, "Vector queries can fetch at most 256 results, requested 257."),
    (
        {"filter": lambda q: q.or_(q.eq("undeclared", 1), *(q.eq("kind", n) for n in range(65)))},
        'Vector query against docs.by_e contains a filter on "undeclared" '
        "but that field isn't indexed for filtering in `filterFields`.",
    ),
    (
        {"filter": lambda q: q.or_(*(q.eq("kind", n) for n in range(65)))},
        "Vector query against docs.by_e has too many conditions. Max: 64 Actual: 65",
    ),
    ({"vector": [0.0] * 3}, "Expected a vector with dimensions 2, received 3."),
]


@pytest.mark.parametrize("first", range(len(LATER_RULES)))
def test_rules_are_checked_in_their_order(deployment: Emulator, first: int) -> None:
    options: dict[str, Any] = {}
    for broken, _ in reversed(LATER_RULES[first:]):
        options.update(broken)

    refused(deployment, DeploymentError if first else ThrownError, LATER_RULES[first][1], **options)


@pytest.mark.parametrize("rule", [0, 1])
def test_limit_and_filter_are_read_before_the_table_is_looked_up(deployment: Emulator, rule: int) -> None:
    options, text = LATER_RULES[rule]

    refused(deployment, ThrownError if rule == 0 else InvalidQuery, text, "nope", **options)


# Visibility


def test_writes_are_found_as_soon_as_they_are_committed(deployment: Emulator) -> None:
    insert(deployment, {"name": "x", "kind": "a"})
    assert names(deployment) == {"x"}

    [row] = search(deployment)
    deployment.run(lambda ctx: ctx.db.patch(row["_id"], {"e": [0, 1], "kind": "b"}))

    assert search(deployment)[0]["_score"] == 0.0
    assert names(deployment, filter=lambda q: q.eq("kind", "a")) == set()
    assert names(deployment, filter=lambda q: q.eq("kind", "b")) == {"x"}


def test_deleted_documents_are_found_no_more(deployment: Emulator) -> None:
    insert(deployment, {"name": "x"}, {"name": "y"})
    [row, _] = search(deployment)

    deployment.run(lambda ctx: ctx.db.delete(row["_id"]))

    assert [found["_id"] for found in search(deployment)] != [row["_id"]]
    assert len(search(deployment)) == 1


def test_action_sees_what_its_mutations_committed(deployment: Emulator) -> None:
    deployment.define("t:add", mutation(lambda ctx, args: ctx.db.insert("docs", {"e": [1, 0]})))

    def body(ctx: Any, args: Any) -> list[int]:
        counts = []
        for _ in range(3):
            counts.append(len(ctx.vector_search("docs", "by_e", vector=[1, 0])))
            ctx.run_mutation("t:add")
        return counts

    deployment.define("t:loop", action(body))

    assert deployment.action("t:loop") == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("method", ["query", "mutation"])
def test_only_actions_can_search(deployment: Emulator, method: str) -> None:
    deployment.define("t:none", getattr(package, method)(lambda ctx, args: hasattr(ctx, "vector_search")))

    assert getattr(deployment, method)("t:none") is False

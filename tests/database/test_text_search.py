"""The rules of a text search and their order, and what its results count as: convex-engine.md §9 and §5.6."""

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator.database.query import Query
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.text_search import SearchExpression
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import InvalidQuery, LimitReached
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.ids import IdSource
from convex_mastra_emulator.values.types import undefined

SCHEMA = define_schema(
    {
        "docs": define_table(v.any())
        .index("by_name", ["name"])
        .vector_index("by_e", vector_field="e", dimensions=2)
        .search_index("by_body", search_field="m.body", filter_fields=["tag", "m.kind"])
        .search_index("staged", search_field="name", staged=True)
    }
)
AT = "Search query against docs.by_body"

Open = Callable[..., Transaction]


def words(text: Any, field: str = "m.body") -> SearchExpression:
    return SearchExpression("search", tuple(field.split(".")), text)


def equal(field: str, value: Any) -> SearchExpression:
    return SearchExpression("eq", tuple(field.split(".")), value)


@pytest.fixture
def open_transaction() -> Open:
    store = Store(SCHEMA)

    def open_with(*bodies: Any, **limits: int) -> Transaction:
        writer = Transaction(store, DEFAULT_LIMITS, 1_000_000_000, IdSource(1))
        for number, body in enumerate(bodies):
            writer.insert("docs", {"m": {"body": body}, "name": f"{number}"})
        return Transaction(store, DEFAULT_LIMITS.lowered(limits), 2_000_000_000, IdSource(2))

    return open_with


def search(*expressions: SearchExpression, table: str = "docs", index: str = "by_body") -> Query:
    return Query(table, index, search=expressions)


def refusal(transaction: Transaction, query: Query) -> tuple[str, str | None]:
    """The text and the code with which a search is refused."""
    with pytest.raises(InvalidQuery) as caught:
        transaction.query(query).collect()
    return str(caught.value), caught.value.code


# Texts


@pytest.mark.parametrize(
    ("expressions", "text", "code"),
    [
        (
            [equal("tag", 1.0)],
            f"{AT} does not contain any search filters. You must include a search filter like "
            '`q.search("field", searchText)`.',
            "MissingSearchFilterError",
        ),
        (
            [words("a", "name")],
            f'{AT} contains a search filter against "name", which doesn\'t match the indexed `searchField` "m.body".',
            "IncorrectSearchField",
        ),
        (
            [words("a"), words("b")],
            f'{AT} contains multiple search filters against "m.body". Only one is allowed.',
            "DuplicateSearchFiltersError",
        ),
        (
            [words("a"), equal("m.other", 1.0)],
            f'{AT} contains an equality filter on "m.other" but that field isn\'t indexed for filtering in '
            "`filterFields`.",
            "IncorrectFilterFieldError",
        ),
        (
            [words("a"), *[equal("tag", 1.0)] * 9],
            f"{AT} has too many filter conditions. Max: 8 Actual: 9",
            "TooManyFilterConditionsInSearchQueryError",
        ),
    ],
    ids=["no text", "other field", "two texts", "other filter field", "nine conditions"],
)
def test_search_is_refused_with_the_text_of_the_deployment(
    open_transaction: Open, expressions: list[SearchExpression], text: str, code: str
) -> None:
    assert refusal(open_transaction(), search(*expressions)) == (text, code)


@pytest.mark.parametrize(
    ("table", "index", "text", "code"),
    [
        ("nowhere", "by_body", "Index nowhere.by_body not found.", "IndexNotFoundError"),
        ("docs", "nothing", "Index docs.nothing not found.", "IndexNotFoundError"),
        ("docs", "by_name", "Index docs.by_name is not a search index", "IndexNotASearchIndexError"),
        ("docs", "by_creation_time", "Index docs.by_creation_time is not a search index", "IndexNotASearchIndexError"),
        ("docs", "by_e", "Index docs.by_e is not a search index", "IndexNotASearchIndexError"),
        (
            "docs",
            "staged",
            "Index docs.staged is currently staged and not available to query until it is enabled.",
            "IndexStagedError",
        ),
    ],
)
def test_index_must_be_a_text_index(open_transaction: Open, table: str, index: str, text: str, code: str) -> None:
    assert refusal(open_transaction(), search(words("a"), table=table, index=index)) == (text, code)


# Order: each query has two faults, of which the deployment sees the first.
@pytest.mark.parametrize(
    ("query", "code"),
    [
        (search(table="nowhere"), "IndexNotFoundError"),
        (search(words(""), table="nowhere"), "IndexNotFoundError"),
        (search(index="nothing"), "MissingSearchFilterError"),
        (search(words("a", "name"), index="nothing"), "IndexNotFoundError"),
        (search(equal("other", 1.0), words("a", "name")), "IncorrectFilterFieldError"),
        (search(words("a", "name"), equal("other", 1.0)), "IncorrectSearchField"),
        (search(words("a"), words("b", "name")), "IncorrectSearchField"),
        (search(words("a"), *[equal("tag", 1.0)] * 9, equal("other", 1.0)), "IncorrectFilterFieldError"),
        (search(words("a"), *[equal("tag", 1.0)] * 9, words("b")), "DuplicateSearchFiltersError"),
        (search(words("!!"), equal("other", 1.0)), "IncorrectFilterFieldError"),
    ],
)
def test_first_fault_is_told(open_transaction: Open, query: Query, code: str) -> None:
    assert refusal(open_transaction(), query)[1] == code


# The first text decides whether the search is empty.
@pytest.mark.parametrize(
    "query",
    [
        search(words("")),
        search(words(""), words("a")),
        search(equal("other", 1.0), words("")),
        search(words(""), index="nothing"),
        search(words(""), index="staged"),
        search(words("", "name"), *[equal("tag", 1.0)] * 9),
    ],
)
def test_empty_text_finds_nothing(open_transaction: Open, query: Query) -> None:
    assert open_transaction("a").query(query).collect() == []


# Sixteen tokens are kept, those that are too long not among them.
def test_only_so_many_words_are_looked_for(open_transaction: Open) -> None:
    transaction = open_transaction("fox", "dog", search_words_max=2)

    found = transaction.query(search(words("cat " + "x" * 40 + " fox dog"))).collect()

    assert [row.value["name"] for row in found] == ["0"]


def test_missing_value_finds_documents_without_the_field(open_transaction: Open) -> None:
    transaction = open_transaction("fox")

    assert len(transaction.query(search(words("fox"), equal("m.kind", undefined))).collect()) == 1
    assert transaction.query(search(words("fox"), equal("m.kind", None))).collect() == []


# Counting


# Each result is fetched by its id: one document, its bytes, one range.
def test_results_that_are_read_count(open_transaction: Open) -> None:
    transaction = open_transaction("fox", "fox", "dog", "fox")
    stream = transaction.query(search(words("fox")))

    first, second = stream.next(), stream.next()

    assert first is not None
    assert second is not None
    usage = transaction.usage
    assert (usage.documents_read, usage.read_size, usage.read_ranges) == (2, first.size + second.size, 2)


# The same result again is the same range, and one more document.
def test_second_search_counts_documents_and_no_ranges(open_transaction: Open) -> None:
    transaction = open_transaction("fox", "fox")

    for _ in range(2):
        transaction.query(search(words("fox"))).collect()

    assert (transaction.usage.documents_read, transaction.usage.read_ranges) == (4, 2)


# Searching itself costs nothing.
def test_search_that_finds_nothing_counts_nothing(open_transaction: Open) -> None:
    transaction = open_transaction("fox")

    transaction.query(search(words("dog"))).collect()

    assert (transaction.usage.documents_read, transaction.usage.read_ranges) == (0, 0)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"documents_read_max": 2}, "TooManyDocumentsRead"),
        ({"read_size_max": 200}, "TooManyBytesRead"),
        ({"read_ranges_max": 2}, "TooManyReads"),
    ],
)
def test_allowance_of_the_transaction_holds(open_transaction: Open, limits: dict[str, int], code: str) -> None:
    transaction = open_transaction("fox", "fox", "fox", **limits)

    with pytest.raises(LimitReached) as caught:
        transaction.query(search(words("fox"))).collect()

    assert caught.value.code == code


# How many results


def test_results_up_to_the_limit_can_be_taken(open_transaction: Open) -> None:
    transaction = open_transaction("fox", "fox", "fox", search_results_max=2)

    assert len(transaction.query(search(words("fox"))._replace(operators=(2,))).collect()) == 2


# The question for one more is refused, whether there is one or not.
@pytest.mark.parametrize("count", [2, 3])
def test_result_behind_the_limit_cannot_be_asked_for(open_transaction: Open, count: int) -> None:
    transaction = open_transaction(*["fox"] * count, search_results_max=2)

    text, code = refusal(transaction, search(words("fox")))

    assert text == (
        "Search query scanned too many documents (fetched 2). Consider using a smaller limit, paginating the query, "
        "or using a filter field to limit the number of documents pulled from the search index."
    )
    assert code == "SearchQueryScannedTooManyDocumentsError"


def test_one_result_below_the_limit_can_be_collected(open_transaction: Open) -> None:
    transaction = open_transaction("fox", search_results_max=2)

    assert len(transaction.query(search(words("fox"))).collect()) == 1


# What was read


def keys(transaction: Transaction) -> list[bytes]:
    table = transaction.store.table("docs")
    assert table is not None
    return list(table.indexes["by_creation_time"].keys(b"", None))


# Any write to the table may change what is found, also one that is not found now.
def test_search_watches_the_table(open_transaction: Open) -> None:
    transaction = open_transaction("dog")

    transaction.query(search(words("fox"))).collect()

    assert all(transaction.read_set.contains("docs", "by_creation_time", key) for key in keys(transaction))


# Nothing was looked at, so nothing can change it.
def test_empty_search_watches_nothing(open_transaction: Open) -> None:
    transaction = open_transaction("dog")

    transaction.query(search(words(""))).collect()

    assert list(transaction.read_set.intervals()) == []

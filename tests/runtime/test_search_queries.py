"""``with_search_index`` in functions: the builder of npm convex, nested calls, pages and subscriptions."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, ManualClock, mutation, query, undefined
from convex_mastra_emulator.database.query import Query
from convex_mastra_emulator.database.text_search import SearchExpression
from convex_mastra_emulator.errors import DeploymentError, FunctionError, ThrownError
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.schema import define_schema, define_table, v

SCHEMA = define_schema(
    {
        "docs": define_table(v.any()).search_index("by_body", search_field="body", filter_fields=["group"]),
        "others": define_table(v.any()),
    }
)


@pytest.fixture
def deployment() -> Emulator:
    return Emulator(SCHEMA, seed=1, clock=ManualClock())


def store(emulator: Emulator, *bodies: str) -> list[str]:
    return list(emulator.run(lambda ctx: [ctx.db.insert("docs", {"body": body}) for body in bodies]))


def foxes(ctx: Any) -> Any:
    return ctx.db.query("docs").with_search_index("by_body", lambda q: q.search("body", "fox"))


def bodies(rows: Any) -> list[str]:
    return [row["body"] for row in rows]


# The builder


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_order_is_refused(deployment: Emulator, order: str) -> None:
    with pytest.raises(
        ThrownError, match=r"^Search queries must always be in relevance order\. Can not set order manually\.$"
    ):
        deployment.run(lambda ctx: foxes(ctx).order(order))


def test_builder_may_be_used_once(deployment: Emulator) -> None:
    def twice(q: Any) -> Any:
        q.search("body", "a")
        return q.search("body", "b")

    with pytest.raises(ThrownError, match=r"^SearchFilterBuilder has already been used! Chain your method calls"):
        deployment.run(lambda ctx: ctx.db.query("docs").with_search_index("by_body", twice))


# `q.search(…); return q` would search for nothing; npm convex notices it.
def test_builder_that_was_used_cannot_be_the_answer(deployment: Emulator) -> None:
    def unchained(q: Any) -> Any:
        q.search("body", "a")
        return q

    with pytest.raises(ThrownError, match=r"^SearchFilterBuilder has already been used!"):
        deployment.run(lambda ctx: ctx.db.query("docs").with_search_index("by_body", unchained))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda q: q.search(undefined, "a"), "Must provide arg 1 `fieldName` to `search`"),
        (lambda q: q.search("body", undefined), "Must provide arg 2 `query` to `search`"),
        (lambda q: q.eq(undefined, "a"), "Must provide arg 1 `fieldName` to `eq`"),
    ],
    ids=["field", "text", "filter field"],
)
def test_argument_that_is_missing_is_a_type_error(deployment: Emulator, build: Any, text: str) -> None:
    with pytest.raises(TypeError, match=f"^{text}$"):
        deployment.run(lambda ctx: ctx.db.query("docs").with_search_index("by_body", build))


# A deployment reads the query when it is run, and says what it cannot read.
@pytest.mark.parametrize(
    ("index", "build", "text"),
    [
        ("by_body", lambda q: q.search("body", 5), "invalid type: integer `5`, expected a string"),
        ("by_body", lambda q: q.search("body", None), "invalid type: null, expected a string"),
        ("by_body", lambda q: q.search("", "a"), 'Empty path ""'),
        ("by body", lambda q: q.search("body", "a"), 'Invalid table name: "by body"'),
    ],
    ids=["number", "null", "path", "index"],
)
def test_malformed_search_is_refused_when_it_is_run(deployment: Emulator, index: str, build: Any, text: str) -> None:
    with pytest.raises(DeploymentError, match=r"^Invalid argument `query` for `queryStream`: ") as caught:
        deployment.run(lambda ctx: ctx.db.query("docs").with_search_index(index, build).collect())

    assert text in str(caught.value)


def test_search_that_is_not_run_is_not_refused(deployment: Emulator) -> None:
    assert (
        deployment.run(
            lambda ctx: ctx.db.query("docs").with_search_index("nothing", lambda q: q.search("body", "a")).take(0)
        )
        == []
    )


def test_filters_and_ends_go_on_as_with_other_queries(deployment: Emulator) -> None:
    store(deployment, "fox one", "fox two", "dog", "fox three")

    def read(ctx: Any) -> Any:
        without_two = foxes(ctx).filter(lambda q: q.neq(q.field("body"), "fox two"))
        return [
            bodies(without_two.collect()),
            bodies(foxes(ctx).take(1)),
            foxes(ctx).first()["body"],
            bodies(foxes(ctx)),
        ]

    assert deployment.run(read) == [
        ["fox three", "fox one"],
        ["fox three"],
        "fox three",
        ["fox three", "fox two", "fox one"],
    ]


# Nobody may change the stored document through a result.
def test_results_are_copies(deployment: Emulator) -> None:
    store(deployment, "fox")

    def change(ctx: Any) -> Any:
        foxes(ctx).first()["body"] = "dog"
        return foxes(ctx).first()["body"]

    assert deployment.run(change) == "fox"


# Transactions


def test_failed_mutation_leaves_no_trace_in_the_index(deployment: Emulator) -> None:
    [kept] = store(deployment, "fox")

    @mutation
    def fail(ctx: Any, args: Any) -> None:
        ctx.db.delete(kept)
        ctx.db.insert("docs", {"body": "fox new"})
        assert bodies(foxes(ctx)) == ["fox new"]
        raise ValueError("enough")

    deployment.define("t:fail", fail)
    with pytest.raises(FunctionError, match="enough"):
        deployment.mutation("t:fail")

    assert deployment.run(lambda ctx: bodies(foxes(ctx))) == ["fox"]


# Pages


def pages_of(emulator: Emulator, size: int) -> list[list[str]]:
    def page(ctx: Any, args: Any) -> Any:
        return foxes(ctx).paginate({"numItems": size, "cursor": args["cursor"]})

    emulator.define("t:page", query(page))
    pages: list[list[str]] = []
    cursor, is_done = None, False
    while not is_done:
        answer = emulator.query("t:page", {"cursor": cursor})
        pages.append(bodies(answer["page"]))
        cursor, is_done = answer["continueCursor"], answer["isDone"]
    return pages


def test_pages_follow_the_rank(deployment: Emulator) -> None:
    store(deployment, "fox wood wood", "fox", "foxes", "fox wood")

    assert pages_of(deployment, 3) == [["foxes", "fox", "fox wood"], ["fox wood wood"]]


# A transaction that may not read any more ends the page, as anywhere.
def test_page_is_cut_short_by_the_allowance() -> None:
    with Emulator(SCHEMA, seed=1, limits=Limits(documents_read_max=2)) as emulator:
        store(emulator, "fox", "fox", "fox")

        page = emulator.run(lambda ctx: foxes(ctx).paginate({"numItems": 3, "cursor": None}))

    assert (len(page["page"]), page["pageStatus"], page["splitCursor"]) == (2, "SplitRequired", None)


# More results than a search can have are no reason to split a page, but an error.
def test_page_is_not_cut_short_by_the_number_of_results() -> None:
    with Emulator(SCHEMA, seed=1, limits=Limits(search_results_max=2)) as emulator:
        store(emulator, "fox", "fox", "fox")

        with pytest.raises(DeploymentError, match=r"^Search query scanned too many documents"):
            emulator.run(lambda ctx: foxes(ctx).paginate({"numItems": 3, "cursor": None}))


# The bytes of a page, the other soft limit: three quarters of 16 MiB.
def test_page_of_many_bytes_should_be_smaller() -> None:
    with Emulator(SCHEMA, seed=1, limits=Limits(read_size_max=1000)) as emulator:
        store(emulator, *["fox " + "-" * 360] * 3)

        def status(count: int) -> Any:
            return emulator.run(lambda ctx: foxes(ctx).paginate({"numItems": count, "cursor": None}))["pageStatus"]

        statuses = [status(1), status(2)]

    assert statuses == [None, "SplitRecommended"]


# A query that runs again keeps the page it had: what is new and ranks within is in it (§5.3, the query journal).
def test_end_cursor_bounds_a_page(deployment: Emulator) -> None:
    store(deployment, "fox wood", "fox", "fox wood wood wood")

    def first_page(ctx: Any) -> Any:
        return foxes(ctx).paginate({"numItems": 2, "cursor": None})

    end = deployment.run(first_page)["continueCursor"]
    again = deployment.run(lambda ctx: foxes(ctx).paginate({"numItems": 1, "cursor": None, "endCursor": end}))

    assert bodies(again["page"]) == ["fox", "fox wood"]


# A cursor of a table scan has its fingerprint from before there were searches.
def test_fingerprint_tells_searches_apart() -> None:
    plain = Query("docs", "by_body")
    one, two = (plain._replace(search=(SearchExpression("search", ("body",), text),)) for text in ("a", "b"))

    assert len({each.fingerprint("") for each in (plain, one, two)}) == 3


# Subscriptions


class Watched:
    """A search that was run once and is watched since."""

    def __init__(self, emulator: Emulator, text: str = "fox") -> None:
        def read(ctx: Any, args: Any) -> Any:
            return ctx.db.query("docs").with_search_index("by_body", lambda q: q.search("body", text)).collect()

        emulator.define("t:read", query(read))
        outcome = emulator.call("t:read", python_arguments(None), FunctionKind.QUERY, ADMIN)
        assert outcome.read_set is not None
        self.tellings = 0
        emulator.watch(Subscription(outcome.read_set, self._be_told))

    def _be_told(self) -> None:
        self.tellings += 1


# A live search box: a new message with the word must appear, a deleted one go.
@pytest.mark.parametrize("change", ["insert", "patch", "delete"])
def test_search_is_told_of_changes(deployment: Emulator, change: str) -> None:
    fox, dog = store(deployment, "fox", "dog")
    watched = Watched(deployment)
    changes: dict[str, Any] = {
        "insert": lambda ctx: ctx.db.insert("docs", {"body": "a new fox"}),
        "patch": lambda ctx: ctx.db.patch(dog, {"body": "a fox now"}),
        "delete": lambda ctx: ctx.db.delete(fox),
    }

    deployment.run(changes[change])

    assert watched.tellings == 1


def test_search_is_not_told_of_other_tables(deployment: Emulator) -> None:
    watched = Watched(deployment)

    deployment.run(lambda ctx: ctx.db.insert("others", {"body": "fox"}))

    assert watched.tellings == 0


def test_empty_search_is_told_of_nothing(deployment: Emulator) -> None:
    watched = Watched(deployment, text="")

    store(deployment, "fox")

    assert watched.tellings == 0

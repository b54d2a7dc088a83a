"""Pages and cursors: convex-engine.md §5.3."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra_emulator import ConvexError, Emulator, Limits, ManualClock, mutation, query, undefined
from convex_mastra_emulator.database.pagination import CursorCodec, InvalidCursor
from convex_mastra_emulator.errors import DeploymentError, ErrorKind, InvalidArgument, InvalidQuery, ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v

Build = Callable[[Any], Any]
Page = dict[str, Any]

SCHEMA = define_schema(
    {"rows": define_table(v.any()).index("by_n", ["n"]), "others": define_table(v.any()).index("by_n", ["n"])}
)
# `{n: 1.0}` with its system fields.
ROW_SIZE = 63 + 1 + 1 + 9
OTHER_QUERY = (
    "InvalidCursor: Tried to run a query starting from a cursor, "
    "but it looks like this cursor is from a different query."
)


def deployment_with(rows: int, limits: Limits | None = None) -> Emulator:
    emulator = Emulator(SCHEMA, limits=limits, seed=1, clock=ManualClock())
    emulator.run(lambda ctx: [ctx.db.insert("rows", {"n": n}) for n in range(rows)])
    return emulator


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    """Ten rows, n = 0 to 9."""
    with deployment_with(10) as emulator:
        yield emulator


def scan(ctx: Any) -> Any:
    return ctx.db.query("rows").full_table_scan()


def page(emulator: Emulator, build: Build = scan, *, size: Any = 4, cursor: Any = None, **options: Any) -> Page:
    """One page of the query that `build(ctx)` gives."""
    found: Page = emulator.run(lambda ctx: build(ctx).paginate({"numItems": size, "cursor": cursor, **options}))
    return found


def numbers(found: Page) -> list[int]:
    return [int(row["n"]) for row in found["page"]]


def all_pages(emulator: Emulator, build: Build = scan, **options: Any) -> list[list[int]]:
    pages, cursor, is_done = [], None, False
    while not is_done:
        found = page(emulator, build, cursor=cursor, **options)
        pages.append(numbers(found))
        cursor, is_done = found["continueCursor"], found["isDone"]
        assert len(pages) < 100, "the pages do not end"
    return pages


# Pages


def test_pages_follow_each_other(deployment: Emulator) -> None:
    assert all_pages(deployment) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


# The reader cannot know that nothing follows: a UI that shows "load more" gets an empty page.
def test_page_filled_by_the_last_document_is_not_done(deployment: Emulator) -> None:
    assert all_pages(deployment, size=5) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], []]


def test_page_larger_than_the_table_is_done(deployment: Emulator) -> None:
    found = page(deployment, size=11)

    assert (numbers(found), found["isDone"]) == ([*range(10)], True)


def test_pages_of_an_index_range_in_both_directions(deployment: Emulator) -> None:
    def ascending(ctx: Any) -> Any:
        return ctx.db.query("rows").with_index("by_n", lambda q: q.gte("n", 2).lt("n", 9))

    assert all_pages(deployment, ascending, size=3) == [[2, 3, 4], [5, 6, 7], [8]]
    assert all_pages(deployment, lambda ctx: ascending(ctx).order("desc"), size=3) == [[8, 7, 6], [5, 4, 3], [2]]


def test_page_counts_documents_that_pass_the_filter(deployment: Emulator) -> None:
    def odd(ctx: Any) -> Any:
        return scan(ctx).filter(lambda q: q.eq(q.mod(q.field("n"), 2), 1))

    assert all_pages(deployment, odd, size=2) == [[1, 3], [5, 7], [9]]


@pytest.mark.parametrize("table", ["nope", "others"])
def test_first_page_of_nothing_is_done(deployment: Emulator, table: str) -> None:
    found = page(deployment, lambda ctx: ctx.db.query(table))

    assert (found["page"], found["isDone"]) == ([], True)


def test_page_has_all_its_fields(deployment: Emulator) -> None:
    found = page(deployment, size=2)

    assert set(found) == {"page", "isDone", "continueCursor", "splitCursor", "pageStatus"}
    assert (found["splitCursor"], found["pageStatus"]) == (None, None)
    assert isinstance(found["continueCursor"], str)


def test_documents_written_behind_the_cursor_are_on_later_pages(deployment: Emulator) -> None:
    def by_n(ctx: Any) -> Any:
        return ctx.db.query("rows").with_index("by_n")

    first = page(deployment, by_n)
    deployment.run(lambda ctx: [ctx.db.insert("rows", {"n": n}) for n in (-1, 4)])

    assert numbers(page(deployment, by_n, cursor=first["continueCursor"])) == [4, 4, 5, 6]


def test_deleting_the_document_a_cursor_stands_on_moves_nothing(deployment: Emulator) -> None:
    first = page(deployment)
    deployment.run(lambda ctx: ctx.db.delete(first["page"][-1]["_id"]))

    assert numbers(page(deployment, cursor=first["continueCursor"])) == [4, 5, 6, 7]


# Sizes


@pytest.mark.parametrize("size", [-1, "4", None, True])
def test_size_that_is_no_positive_number(deployment: Emulator, size: Any) -> None:
    with pytest.raises(ThrownError, match=r"^`options\.numItems` must be a positive number\. Received `"):
        page(deployment, size=size)


@pytest.mark.parametrize("size", [1.5, float("nan")])
def test_size_that_is_not_whole(deployment: Emulator, size: float) -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid arguments for `queryPage`: invalid type: .*, expected usize"):
        page(deployment, size=size)


def test_size_of_zero(deployment: Emulator) -> None:
    with pytest.raises(InvalidQuery, match=r"^Must request at least 1 document while paginating$") as caught:
        page(deployment, size=0)

    assert caught.value.code == "NoDocumentsForPagination"


def test_largest_size(deployment: Emulator) -> None:
    assert len(page(deployment, size=32_000)["page"]) == 10


def test_size_beyond_the_largest(deployment: Emulator) -> None:
    with pytest.raises(InvalidQuery, match=r"^Requested too many items: 32001$") as caught:
        page(deployment, size=32_001)

    assert caught.value.code == "PageSizeTooLarge"


@pytest.mark.parametrize("option", ["maximumRowsRead", "maximumBytesRead"])
def test_maximum_of_zero(deployment: Emulator, option: str) -> None:
    text = r"^maximumRowsRead and maximumBytesRead must be greater than 0$"
    with pytest.raises(InvalidQuery, match=text) as caught:
        page(deployment, scan, **{option: 0})

    assert caught.value.code == "InvalidPaginationLimit"


# Cursors


@pytest.mark.parametrize("cursor", [None, undefined])
def test_no_cursor_is_the_beginning(deployment: Emulator, cursor: Any) -> None:
    assert numbers(page(deployment, cursor=cursor)) == [0, 1, 2, 3]


def test_equal_positions_have_equal_cursors(deployment: Emulator) -> None:
    two_pages = page(deployment, size=2, cursor=page(deployment, size=2)["continueCursor"])

    assert two_pages["continueCursor"] == page(deployment, size=4)["continueCursor"]


def test_size_of_the_page_is_no_part_of_the_cursor(deployment: Emulator) -> None:
    assert numbers(page(deployment, size=3, cursor=page(deployment)["continueCursor"])) == [4, 5, 6]


def test_cursor_of_the_end_gives_an_empty_page(deployment: Emulator) -> None:
    end = page(deployment, size=11)["continueCursor"]

    found = page(deployment, cursor=end)

    assert (found["page"], found["isDone"], found["continueCursor"]) == ([], True, end)


@pytest.mark.parametrize("cursor", ["", "00", "no hex", "ff" * 60, "zz"])
def test_cursor_nobody_wrote(deployment: Emulator, cursor: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^Failed to parse cursor$") as caught:
        page(deployment, cursor=cursor)

    assert caught.value.code == "InvalidCursor"


def test_cursor_with_one_digit_changed(deployment: Emulator) -> None:
    cursor = page(deployment)["continueCursor"]
    changed = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")

    with pytest.raises(InvalidQuery, match=r"^Failed to parse cursor$"):
        page(deployment, cursor=changed)


@pytest.mark.parametrize(
    "other",
    [
        lambda ctx: ctx.db.query("others"),
        lambda ctx: ctx.db.query("rows").order("desc"),
        lambda ctx: ctx.db.query("rows").with_index("by_creation_time"),
        lambda ctx: ctx.db.query("rows").filter(lambda q: True),
        lambda ctx: ctx.db.query("nope"),
    ],
    ids=["table", "order", "index", "filter", "missing table"],
)
def test_cursor_of_another_query(deployment: Emulator, other: Build) -> None:
    cursor = page(deployment)["continueCursor"]

    with pytest.raises(InvalidCursor, match=f"^{re.escape(OTHER_QUERY)}$"):
        page(deployment, other, cursor=cursor)


def test_cursor_of_another_range(deployment: Emulator) -> None:
    def above(low: float) -> Build:
        return lambda ctx: ctx.db.query("rows").with_index("by_n", lambda q: q.gt("n", low))

    cursor = page(deployment, above(1))["continueCursor"]

    assert numbers(page(deployment, above(1), cursor=cursor)) == [6, 7, 8, 9]
    with pytest.raises(InvalidCursor, match=f"^{re.escape(OTHER_QUERY)}$"):
        page(deployment, above(2), cursor=cursor)


def test_end_cursor_of_another_query(deployment: Emulator) -> None:
    cursor = page(deployment, lambda ctx: ctx.db.query("others"))["continueCursor"]

    with pytest.raises(InvalidCursor, match=f"^{re.escape(OTHER_QUERY)}$"):
        page(deployment, endCursor=cursor)


# React's usePaginatedQuery starts over when it sees this data.
def test_cursor_of_another_query_reaches_clients_as_convex_error(deployment: Emulator) -> None:
    cursor = page(deployment)["continueCursor"]
    deployment.define(
        "t:page",
        query(lambda ctx, args: ctx.db.query("others").paginate({"numItems": 1, "cursor": cursor})),
    )

    with pytest.raises(ConvexError, match=re.escape(OTHER_QUERY)) as caught:
        deployment.query("t:page")

    assert caught.value.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}


def test_cursor_of_another_deployment_with_another_key_is_unreadable() -> None:
    cursor = CursorCodec(b"one").write(b"key", bytes(32))

    assert CursorCodec(b"one").read(cursor).key == b"key"
    with pytest.raises(InvalidQuery, match=r"^Failed to parse cursor$"):
        CursorCodec(b"other").read(cursor)


# The whole filter is part of the query a cursor belongs to.
@pytest.mark.parametrize(
    "condition",
    [
        lambda q, n: q.and_(q.gte(q.field("n"), 0), q.gte(q.field("n"), n)),
        lambda q, n: q.or_(q.gte(q.field("n"), n), False),
        lambda q, n: q.not_(q.lt(q.field("n"), n)),
        lambda q, n: q.lte(q.neg(q.field("n")), q.sub(0, n)),
        lambda q, n: q.or_(q.eq(q.field("missing"), undefined), q.eq(n, n)),
    ],
    ids=["and", "or", "not", "arithmetic", "undefined"],
)
def test_cursor_is_bound_to_the_filter(deployment: Emulator, condition: Callable[[Any, float], Any]) -> None:
    def filtered(n: float) -> Build:
        return lambda ctx: scan(ctx).filter(lambda q: condition(q, n))

    cursor = page(deployment, filtered(0), size=5)["continueCursor"]

    assert numbers(page(deployment, filtered(0), size=2, cursor=cursor)) == [5, 6]
    with pytest.raises(InvalidCursor, match=f"^{re.escape(OTHER_QUERY)}$"):
        page(deployment, filtered(1), cursor=cursor)


# Pages up to an end cursor


def test_end_cursor_reads_everything_up_to_it_whatever_the_size(deployment: Emulator) -> None:
    end = page(deployment, size=5)["continueCursor"]

    found = page(deployment, size=1, endCursor=end, maximumRowsRead=1, maximumBytesRead=1)

    assert (numbers(found), found["isDone"], found["continueCursor"]) == ([0, 1, 2, 3, 4], False, end)


@pytest.mark.parametrize(("order", "rest"), [("asc", [2, 3, 4, 5]), ("desc", [7, 6, 5, 4])])
def test_end_cursor_reads_what_lies_between(deployment: Emulator, order: str, rest: list[int]) -> None:
    def ordered(ctx: Any) -> Any:
        return ctx.db.query("rows").with_index("by_n").order(order)

    start = page(deployment, ordered, size=2)["continueCursor"]
    end = page(deployment, ordered, size=6)["continueCursor"]

    found = page(deployment, ordered, size=1, cursor=start, endCursor=end)

    assert (numbers(found), found["isDone"]) == (rest, False)


def test_end_cursor_keeps_a_page_together_when_rows_come_and_go(deployment: Emulator) -> None:
    def by_n(ctx: Any) -> Any:
        return ctx.db.query("rows").with_index("by_n")

    first = page(deployment, by_n)
    deployment.run(lambda ctx: ctx.db.insert("rows", {"n": 0.5}))
    deployment.run(lambda ctx: ctx.db.delete(first["page"][3]["_id"]))

    again = page(deployment, by_n, endCursor=first["continueCursor"])

    assert [row["n"] for row in again["page"]] == [0, 0.5, 1, 2]


def test_end_cursor_of_the_end_reads_to_the_end(deployment: Emulator) -> None:
    end = page(deployment, size=99)["continueCursor"]

    found = page(deployment, size=1, endCursor=end)

    assert (numbers(found), found["isDone"], found["continueCursor"]) == ([*range(10)], True, end)


def test_end_cursor_before_the_cursor_gives_nothing(deployment: Emulator) -> None:
    early = page(deployment, size=2)["continueCursor"]
    late = page(deployment, size=6)["continueCursor"]

    assert page(deployment, cursor=late, endCursor=early)["page"] == []


# Allowances of a page


def test_page_stops_after_so_many_rows(deployment: Emulator) -> None:
    found = page(deployment, size=9, maximumRowsRead=3)

    assert (numbers(found), found["isDone"], found["pageStatus"]) == ([0, 1, 2], False, "SplitRequired")
    assert numbers(page(deployment, cursor=found["continueCursor"])) == [3, 4, 5, 6]


def test_rows_a_filter_drops_count_for_the_page(deployment: Emulator) -> None:
    def last(ctx: Any) -> Any:
        return scan(ctx).filter(lambda q: q.eq(q.field("n"), 9))

    found = page(deployment, last, maximumRowsRead=4)

    assert (found["page"], found["isDone"], found["pageStatus"]) == ([], False, "SplitRequired")
    assert all_pages(deployment, last, maximumRowsRead=4)[-1] == [9]


def test_page_stops_after_so_many_bytes(deployment: Emulator) -> None:
    found = page(deployment, size=9, maximumBytesRead=2 * ROW_SIZE + 1)

    assert (numbers(found), found["isDone"], found["pageStatus"]) == ([0, 1, 2], False, "SplitRequired")


def test_bytes_that_are_used_up_exactly_stop_the_page(deployment: Emulator) -> None:
    found = page(deployment, size=9, maximumBytesRead=2 * ROW_SIZE)

    assert (numbers(found), found["pageStatus"]) == ([0, 1], "SplitRequired")


# The page is full before the allowance is asked for another row.
def test_page_as_large_as_its_allowance_is_only_recommended_to_be_split(deployment: Emulator) -> None:
    found = page(deployment, size=4, maximumRowsRead=4)

    assert (numbers(found), found["pageStatus"]) == ([0, 1, 2, 3], "SplitRecommended")


@pytest.mark.parametrize(("size", "status"), [(6, None), (7, "SplitRecommended"), (8, "SplitRecommended")])
def test_split_is_recommended_beyond_three_quarters_of_the_rows(
    deployment: Emulator, size: int, status: str | None
) -> None:
    assert page(deployment, size=size, maximumRowsRead=8)["pageStatus"] == status


@pytest.mark.parametrize(("size", "status"), [(6, None), (7, "SplitRecommended")])
def test_split_is_recommended_beyond_three_quarters_of_the_bytes(
    deployment: Emulator, size: int, status: str | None
) -> None:
    assert page(deployment, size=size, maximumBytesRead=8 * ROW_SIZE)["pageStatus"] == status


@pytest.mark.parametrize(("size", "status"), [(6, None), (7, "SplitRecommended")])
def test_split_is_recommended_beyond_three_quarters_of_the_limits(size: int, status: str | None) -> None:
    with deployment_with(10, Limits(documents_read_max=8)) as emulator:
        assert page(emulator, size=size)["pageStatus"] == status


def test_split_is_recommended_for_long_pages() -> None:
    with deployment_with(6146) as emulator:
        assert page(emulator, size=6144)["pageStatus"] is None
        assert page(emulator, size=6145)["pageStatus"] == "SplitRecommended"


@pytest.mark.parametrize(("size", "left"), [(3, [0, 1]), (4, [0, 1, 2]), (5, [0, 1, 2])])
def test_split_cursor_stands_on_the_middle_row(deployment: Emulator, size: int, left: list[int]) -> None:
    found = page(deployment, size=size)

    first = page(deployment, size=1, endCursor=found["splitCursor"])
    second = page(deployment, size=1, cursor=found["splitCursor"], endCursor=found["continueCursor"])

    assert numbers(first) == left
    assert numbers(first) + numbers(second) == numbers(found)


@pytest.mark.parametrize("size", [1, 2])
def test_two_rows_are_not_split(deployment: Emulator, size: int) -> None:
    assert page(deployment, size=size)["splitCursor"] is None


# The middle is one of the rows that were read, not of those that passed.
def test_split_cursor_counts_rows_a_filter_drops(deployment: Emulator) -> None:
    def last(ctx: Any) -> Any:
        return scan(ctx).filter(lambda q: q.gte(q.field("n"), 8))

    found = page(deployment, last, size=2)

    assert page(deployment, last, size=1, endCursor=found["splitCursor"])["page"] == []


# Limits of the transaction


@pytest.mark.parametrize(
    "limits", [Limits(documents_read_max=3), Limits(read_size_max=3 * ROW_SIZE)], ids=["documents", "bytes"]
)
def test_limit_of_the_transaction_cuts_the_page_instead_of_failing(limits: Limits) -> None:
    with deployment_with(10, limits) as emulator:
        found = page(emulator, size=9)

        assert (numbers(found), found["isDone"], found["pageStatus"]) == ([0, 1, 2], False, "SplitRequired")
        assert numbers(page(emulator, size=9, cursor=found["continueCursor"])) == [3, 4, 5]


# Without a cursor there is nothing to go on from: the deployment itself fails.
def test_limit_before_the_first_row_is_an_internal_error() -> None:
    with (
        deployment_with(10, Limits(documents_read_max=0)) as emulator,
        pytest.raises(DeploymentError, match=r"^Your request couldn't be completed\. Try again later\.$") as caught,
    ):
        page(emulator)

    assert caught.value.kind is ErrorKind.INTERNAL


def test_limit_before_the_first_row_of_a_later_page_gives_an_empty_one() -> None:
    with deployment_with(10) as emulator:
        cursor = page(emulator)["continueCursor"]

        def body(ctx: Any) -> Page:
            for _ in range(3200):
                scan(ctx).collect()
            found: Page = scan(ctx).paginate({"numItems": 4, "cursor": cursor})
            return found

        found = emulator.run(body)

    assert (found["page"], found["isDone"], found["pageStatus"]) == ([], False, "SplitRequired")
    assert found["continueCursor"] == cursor


# One page per function


def test_second_page_in_one_function_is_refused(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        first = scan(ctx).paginate({"numItems": 1, "cursor": None})
        scan(ctx).paginate({"numItems": 1, "cursor": first["continueCursor"]})

    text = (
        "This query or mutation function ran multiple paginated queries. "
        "Convex only supports a single paginated query in each function."
    )
    with pytest.raises(InvalidQuery, match=f"^{re.escape(text)}$") as caught:
        deployment.run(body)

    assert caught.value.code == "MultiplePaginatedDatabaseQueries"


def test_nested_functions_have_pages_of_their_own(deployment: Emulator) -> None:
    def one_page(ctx: Any, args: Any = None) -> int:
        return len(scan(ctx).paginate({"numItems": 2, "cursor": None})["page"])

    deployment.define("t:query", query(one_page))
    deployment.define("t:mutation", mutation(one_page))

    def body(ctx: Any) -> list[float]:
        return [ctx.run_query("t:query"), one_page(ctx), ctx.run_mutation("t:mutation"), ctx.run_query("t:query")]

    assert deployment.run(body) == [2, 2, 2, 2]


# Order of the checks


def test_size_is_checked_before_the_cursor(deployment: Emulator) -> None:
    for size, code in ((0, "NoDocumentsForPagination"), (32_001, "PageSizeTooLarge")):
        with pytest.raises(InvalidQuery, match=r"Must request|Requested too many") as caught:
            page(deployment, size=size, cursor="garbage")
        assert caught.value.code == code


def test_size_is_checked_before_the_maximum(deployment: Emulator) -> None:
    with pytest.raises(InvalidQuery, match="Must request at least 1 document"):
        page(deployment, size=0, maximumRowsRead=0)


def test_maximum_is_checked_before_the_cursor(deployment: Emulator) -> None:
    with pytest.raises(InvalidQuery, match="must be greater than 0"):
        page(deployment, maximumRowsRead=0, cursor="garbage")


def test_cursor_is_read_before_the_index_is_looked_up(deployment: Emulator) -> None:
    with pytest.raises(InvalidQuery, match="Failed to parse cursor"):
        page(deployment, lambda ctx: ctx.db.query("rows").with_index("by_z"), cursor="garbage")


def test_index_is_looked_up_before_the_cursor_is_compared(deployment: Emulator) -> None:
    cursor = page(deployment)["continueCursor"]

    with pytest.raises(InvalidQuery, match=r"^Index rows\.by_z not found\.$"):
        page(deployment, lambda ctx: ctx.db.query("rows").with_index("by_z"), cursor=cursor)


# §4.5: "index lookup, cursor fingerprint (paginate), then the range errors of 4.3".
def test_cursor_is_compared_before_the_range_is_checked(deployment: Emulator) -> None:
    cursor = page(deployment)["continueCursor"]

    with pytest.raises(InvalidQuery, match=f"^{re.escape(OTHER_QUERY)}$"):
        page(deployment, lambda ctx: ctx.db.query("rows").with_index("by_n", lambda q: q.eq("m", 1)), cursor=cursor)


def test_second_page_is_refused_after_it_was_read(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        scan(ctx).paginate({"numItems": 1, "cursor": None})
        ctx.db.query("rows").with_index("by_z").paginate({"numItems": 1, "cursor": None})

    with pytest.raises(InvalidQuery, match=r"^Index rows\.by_z not found\.$"):
        deployment.run(body)

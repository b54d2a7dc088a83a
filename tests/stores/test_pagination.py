"""The rules for pages, orders, dates and metadata that Mastra's core gives every adapter."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.pagination import (
    MAX_SAFE_INTEGER,
    DateRange,
    OrderBy,
    Pagination,
    calculate_pagination,
    in_order,
    matches_metadata_filter,
    normalize_per_page,
    parse_order_by,
    refused,
    strictly_equal,
    validate_metadata_filter,
    validate_metadata_keys,
    validate_pagination_input,
    within,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("per_page", "size"),
    [(None, 40), (False, MAX_SAFE_INTEGER), (0, 0), (7, 7), (7.0, 7), (True, 40), ("7", 40)],
)
def test_per_page_is_normalized(per_page: Any, size: int) -> None:
    assert normalize_per_page(per_page, 40) == size


@pytest.mark.parametrize("per_page", [-1, 1.5, math.nan, math.inf])
def test_per_page_that_cannot_be_is_refused(per_page: float) -> None:
    with pytest.raises(StorageError, match="perPage must be >= 0"):
        normalize_per_page(per_page, 40)


# 0 == False in Python; in TypeScript they mean nothing and everything.
def test_zero_and_false_differ() -> None:
    assert calculate_pagination(3, 0, 0) == Pagination(offset=0, per_page=0)
    assert calculate_pagination(3, False, MAX_SAFE_INTEGER) == Pagination(offset=0, per_page=False)
    assert calculate_pagination(3, 0, 0).per_page is not False


def test_offset_counts_from_page_zero() -> None:
    assert calculate_pagination(0, 5, 5).offset == 0
    assert calculate_pagination(2, 5, 5).offset == 10


@pytest.mark.parametrize("page", [-1, 0.5, math.nan, "1", None, True])
def test_page_that_cannot_be_is_refused(page: Any) -> None:
    with pytest.raises(StorageError, match="page must be >= 0"):
        calculate_pagination(page, 5, 5)


@pytest.mark.parametrize(
    ("page", "per_page", "reason"),
    [
        (1, False, "page must be 0 when perPage is false"),
        (0, True, "perPage must be false or a safe integer"),
        (0, 1.5, "perPage must be false or a safe integer"),
        (0, MAX_SAFE_INTEGER + 1, "perPage must be false or a safe integer"),
        (0, -1, "perPage must be >= 0"),
        (-1, 5, "page must be >= 0"),
        (0.5, 5, "page must be >= 0"),
        (2, MAX_SAFE_INTEGER // 2 + 1, "page value too large"),
    ],
)
def test_pages_are_validated(page: Any, per_page: Any, reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        validate_pagination_input(page, per_page)


@pytest.mark.parametrize(
    ("page", "per_page"), [(0, False), (0, 0), (10**9, 0), (0, MAX_SAFE_INTEGER), (2, MAX_SAFE_INTEGER // 2)]
)
def test_largest_pages_are_accepted(page: int, per_page: int) -> None:
    validate_pagination_input(page, per_page)


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (None, ("created_at", "DESC")),
        (OrderBy(field="updated_at"), ("updated_at", "DESC")),
        (OrderBy(field="updatedAt", direction="ASC"), ("updated_at", "ASC")),
        (OrderBy(field="title", direction="asc"), ("created_at", "DESC")),
    ],
)
def test_orders_fall_back(order_by: OrderBy | None, expected: tuple[str, str]) -> None:
    order = parse_order_by(order_by, "DESC")

    assert (order.field, order.direction) == expected


# JavaScript's sort with `b - a` keeps equal items as they were; reversing an ascending sort would not.
@pytest.mark.parametrize(
    ("direction", "expected"), [("ASC", ["b1", "b2", "c1", "c2"]), ("DESC", ["c1", "c2", "b1", "b2"])]
)
def test_equal_items_keep_their_order(direction: str, expected: list[str]) -> None:
    order = OrderBy(field="created_at", direction=direction)

    assert in_order(["c1", "b1", "c2", "b2"], lambda item: item[0], order) == expected


@pytest.mark.parametrize(
    ("date_range", "expected"),
    [
        (None, [-1, 0, 1]),
        (DateRange(), [-1, 0, 1]),
        (DateRange(start=NOON), [0, 1]),
        (DateRange(start=NOON, start_exclusive=True), [1]),
        (DateRange(end=NOON), [-1, 0]),
        (DateRange(end=NOON, end_exclusive=True), [-1]),
        (DateRange(start="2026-01-02T12:00:00.000Z", end="2026-01-02T12:00:00Z"), [0]),
        (DateRange(start=""), [-1, 0, 1]),
        # A datetime is finer than a JavaScript date: what is below a millisecond does not count.
        (DateRange(start=NOON + timedelta(microseconds=999)), [0, 1]),
    ],
)
def test_date_ranges_have_their_ends(date_range: DateRange | None, expected: list[int]) -> None:
    assert within([-1, 0, 1], lambda ms: NOON + ms * MS, date_range) == expected


def test_dates_need_a_zone() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        within([0], lambda _: NOON, DateRange(start=datetime(2026, 1, 2)))


@pytest.mark.parametrize("key", ["a", "_", "a" * 128, "A_1"])
def test_plain_keys_are_accepted(key: str) -> None:
    validate_metadata_keys({key: 1})

    assert validate_metadata_filter({key: 1}) == {key: 1}


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("a" * 129, "exceeds maximum length of 128 characters"),
        ("", 'Invalid metadata key: ""'),
        ("1a", "must start with a letter or underscore"),
        ("a-b", "must start with a letter or underscore"),
        ("é", "must start with a letter or underscore"),
        ("a\n", "must start with a letter or underscore"),
        ("__proto__", 'Invalid metadata key: "__proto__".$'),
    ],
)
def test_other_keys_are_refused(key: str, reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        validate_metadata_keys({key: 1})
    with pytest.raises(TypeError, match="Invalid metadata filter key"):
        validate_metadata_filter({key: 1})


def test_absent_filters_filter_nothing() -> None:
    validate_metadata_keys(None)

    assert validate_metadata_filter(None) is None
    assert validate_metadata_filter({}) is None


@pytest.mark.parametrize("metadata", [["a"], "a", 1])
def test_filter_is_an_object(metadata: Any) -> None:
    with pytest.raises(TypeError, match="Metadata filter must be an object"):
        validate_metadata_filter(metadata)


@pytest.mark.parametrize("value", [[], {}, math.nan, math.inf])
def test_filter_values_are_scalars(value: Any) -> None:
    with pytest.raises(TypeError, match='Invalid metadata filter value for key "a"'):
        validate_metadata_filter({"a": value})


@pytest.mark.parametrize(
    ("content", "matches"),
    [
        ('{"metadata":{"a":1,"b":null}}', True),
        ({"metadata": {"a": 1.0, "b": None, "c": 3}}, True),
        ('{"metadata":{"a":1}}', False),
        ('{"metadata":{"a":true,"b":null}}', False),
        ('{"metadata":{"a":"1","b":null}}', False),
        ('{"metadata":[1]}', False),
        ("[]", False),
        ("text", False),
        (None, False),
    ],
)
def test_content_matches_by_identity(content: Any, matches: bool) -> None:
    assert matches_metadata_filter(content, {"a": 1, "b": None}) is matches


def test_everything_matches_no_filter() -> None:
    assert matches_metadata_filter("text", None)


# True == 1 in Python, not in JavaScript: a filter for 1 must not find true.
@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, None, True),
        (None, 0, False),
        ("a", "a", True),
        ("1", 1, False),
        (math.nan, math.nan, False),
        ({}, {}, False),
        ([], [], False),
    ],
)
def test_strict_equality(left: Any, right: Any, equal: bool) -> None:
    assert strictly_equal(left, right) is equal


def test_refusals_carry_the_reason() -> None:
    with pytest.raises(MastraError, match="page must be >= 0") as caught:
        refused(StorageError("page must be >= 0"), "LIST_THREADS", "INVALID_PAGE", {"page": -1})

    assert (caught.value.id, caught.value.domain, caught.value.category, caught.value.details) == (
        "MASTRA_STORAGE_CONVEX_LIST_THREADS_INVALID_PAGE",
        "STORAGE",
        "USER",
        {"page": -1},
    )

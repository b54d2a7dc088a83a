"""What a transaction has read, as merged ranges: convex-engine.md §5.6 (`TooManyReads`) and §10.10."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.database.read_set import Interval, ReadSet
from convex_mastra_emulator.errors import LimitReached
from convex_mastra_emulator.limits import Limits


def point(key: bytes) -> Interval:
    return Interval(key, key + b"\0")


def read_set(*intervals: Interval) -> ReadSet:
    ranges = ReadSet(Limits())
    for interval in intervals:
        ranges.add("t", "by_id", interval)
    return ranges


@pytest.mark.parametrize(
    ("intervals", "count"),
    [
        ([], 0),
        ([Interval(b"a", b"c")], 1),
        ([Interval(b"a", b"c"), Interval(b"a", b"c")], 1),
        ([Interval(b"a", b"c"), Interval(b"b", b"d")], 1),
        ([Interval(b"a", b"c"), Interval(b"d", b"e")], 2),
        ([Interval(b"a", b"b"), Interval(b"c", b"d"), Interval(b"a", b"d")], 1),
        ([Interval(b"a", None), Interval(b"x", b"y")], 1),
        ([point(b"a"), point(b"b"), point(b"a")], 2),
    ],
)
def test_overlapping_ranges_are_one(intervals: list[Interval], count: int) -> None:
    assert read_set(*intervals).count == count


# What a text search depends on wakes a subscription; the limit counts what was fetched.
def test_watched_range_is_not_counted() -> None:
    ranges = read_set(Interval(b"a", b"b"))
    ranges.watch("t", "by_id", Interval(b"a", None))
    ranges.watch("u", "by_id", Interval(b"x", b"y"))

    assert ranges.count == 1
    assert ranges.contains("t", "by_id", b"q")
    assert ranges.contains("u", "by_id", b"x")
    assert not ranges.contains("u", "by_id", b"y")
    assert {where for where, _, _ in ranges.intervals()} == {("t", "by_id"), ("u", "by_id")}


def test_indexes_and_tables_are_counted_apart() -> None:
    ranges = ReadSet(Limits())

    ranges.add("t", "by_id", Interval(b"a", b"c"))
    ranges.add("t", "by_a", Interval(b"a", b"c"))
    ranges.add("u", "by_id", Interval(b"a", b"c"))

    assert ranges.count == 3


def test_key_is_contained_if_a_range_covers_it() -> None:
    ranges = read_set(Interval(b"b", b"d"), Interval(b"f", None))

    assert [key for key in (b"a", b"b", b"c", b"d", b"e", b"f", b"z") if ranges.contains("t", "by_id", key)] == [
        b"b",
        b"c",
        b"f",
        b"z",
    ]
    assert not ranges.contains("t", "by_other", b"b")


# Against a plain list of ranges: merging must neither lose nor gain a key.
@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=12))
def test_merging_changes_no_key(spans: list[tuple[int, int]]) -> None:
    ranges = read_set(*(Interval(bytes([start]), bytes([start + length])) for start, length in spans))

    for key in range(30):
        covered = any(start <= key < start + length for start, length in spans)
        assert ranges.contains("t", "by_id", bytes([key])) == covered


def test_as_many_ranges_as_allowed_can_be_read() -> None:
    ranges = ReadSet(Limits(read_ranges_max=2))
    ranges.add("t", "by_id", point(b"a"))
    ranges.add("t", "by_id", point(b"c"))

    ranges.add("t", "by_id", point(b"a"))

    assert ranges.count == 2


def test_one_range_more_is_refused() -> None:
    ranges = ReadSet(Limits(read_ranges_max=2))
    ranges.add("t", "by_id", point(b"a"))
    ranges.add("t", "by_id", point(b"c"))

    text = (
        r"^Too many reads in a single function execution \(limit: 2\)\. Consider using smaller limits in your queries,"
    )
    with pytest.raises(LimitReached, match=text) as caught:
        ranges.add("t", "by_id", point(b"e"))

    assert caught.value.code == "TooManyReads"


def test_interval_behind_a_key_in_either_direction() -> None:
    interval = Interval(b"a", b"z")

    assert interval.after(b"m", descending=False) == Interval(b"m\0", b"z")
    assert interval.after(b"m", descending=True) == Interval(b"a", b"m")


def test_interval_up_to_a_key_in_either_direction() -> None:
    interval = Interval(b"a", b"z")

    assert interval.through(b"m", descending=False) == Interval(b"a", b"m\0")
    assert interval.through(b"m", descending=True) == Interval(b"m", b"z")


@pytest.mark.parametrize(
    ("interval", "is_empty"),
    [
        (Interval(b"a", b"b"), False),
        (Interval(b"a", b"a"), True),
        (Interval(b"b", b"a"), True),
        (Interval(b"", None), False),
    ],
)
def test_interval_without_room_is_empty(interval: Interval, is_empty: bool) -> None:
    assert interval.is_empty == is_empty

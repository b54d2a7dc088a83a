"""The `Range` header, read as literally as Rust's crate headers 0.4.0 and the deployment's storage do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator.web.byte_ranges import parse_ranges

BODY = b"0123456789"
LARGEST = 2**64 - 1


@pytest.mark.parametrize(
    ("header", "part", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes= 7- ", b"789", "bytes 7-9/10"),
        ("bytes=-", BODY, "bytes 0-9/10"),
        # What lies behind the end is promised all the same.
        ("bytes=8-99", b"89", "bytes 8-99/10"),
        ("bytes=10-", b"", "bytes 10-9/10"),
        ("bytes=5-2", b"", "bytes 5-2/10"),
        # The last three bytes are counted from the largest number.
        ("bytes=-3", b"", f"bytes {LARGEST - 3}-9/10"),
        (f"bytes=0-{LARGEST}", BODY, f"bytes 0-{LARGEST}/10"),
    ],
)
def test_one_range_is_a_part(header: str, part: bytes, content_range: str) -> None:
    found = parse_ranges(header)

    assert found is not None
    [only] = found
    assert (only.of(BODY), only.content_range(len(BODY))) == (part, content_range)


@pytest.mark.parametrize("header", [None, "", "items=0-1", "Bytes=0-1", "bytes 0-1"])
def test_another_header_asks_for_all(header: str | None) -> None:
    assert parse_ranges(header) is None


@pytest.mark.parametrize(
    ("header", "count"),
    [("bytes=", 0), ("bytes=x-1", 0), ("bytes=1", 0), (f"bytes=0-{LARGEST + 1}", 0), ("bytes=0-1,3-4", 2)],
)
def test_none_or_several_ranges_are_counted(header: str, count: int) -> None:
    found = parse_ranges(header)

    assert found is not None
    assert len(found) == count


@given(st.binary(max_size=20), st.integers(0, 25), st.integers(0, 25))
def test_a_part_is_what_slicing_gives(body: bytes, first: int, last: int) -> None:
    found = parse_ranges(f"bytes={first}-{last}")

    assert found is not None
    assert found[0].of(body) == body[first : max(first, last + 1)]

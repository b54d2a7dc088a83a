"""The meter of one transaction: convex-engine.md §5.6."""

import pytest

from convex_mastra_emulator import Limits
from convex_mastra_emulator.errors import ErrorKind, LimitReached
from convex_mastra_emulator.usage import NOTHING_USED, READ_HELP, Meter, Usage


def test_documents_are_counted_up_to_the_limit_and_refused_beyond() -> None:
    meter = Meter(Limits(documents_read_max=2))
    meter.read(10)
    meter.read(10)

    with pytest.raises(LimitReached, match=r"^Too many documents read in a single function execution") as caught:
        meter.read(10)

    assert str(caught.value) == f"Too many documents read in a single function execution (limit: 2). {READ_HELP}"
    assert caught.value.code == "TooManyDocumentsRead"
    assert caught.value.kind is ErrorKind.PAGINATION_LIMIT


def test_bytes_are_counted_up_to_the_limit_and_refused_beyond() -> None:
    meter = Meter(Limits(read_size_max=100))
    meter.read(60)
    meter.read(40)

    with pytest.raises(LimitReached, match=r"^Too many bytes read in a single function execution") as caught:
        meter.read(1)

    assert str(caught.value) == f"Too many bytes read in a single function execution (limit: 100 bytes). {READ_HELP}"
    assert caught.value.code == "TooManyBytesRead"


def test_documents_are_checked_before_bytes() -> None:
    with pytest.raises(LimitReached, match=r"^Too many documents read"):
        Meter(Limits(documents_read_max=0, read_size_max=0)).read(1)


def test_writes_are_counted_up_to_the_limit_and_refused_beyond() -> None:
    meter = Meter(Limits(documents_written_max=1))
    meter.write(10)

    with pytest.raises(LimitReached, match=r"^Too many writes in a single function execution \(limit: 1\)$") as caught:
        meter.write(10)

    assert caught.value.code == "TooManyWrites"


def test_bytes_written_are_counted_up_to_the_limit_and_refused_beyond() -> None:
    meter = Meter(Limits(written_size_max=100))
    meter.write(100)
    meter.write(0)

    text = r"^Too many bytes written in a single function execution \(limit: 100 bytes\)$"
    with pytest.raises(LimitReached, match=text) as caught:
        meter.write(1)

    assert caught.value.code == "TooManyBytesWritten"


# crates/common/src/fmt.rs: the first unit that divides exactly or to one decimal, decimal units among them.
@pytest.mark.parametrize(
    ("size", "printed"),
    [
        (16 << 20, "16 MiB"),
        (1 << 30, "1 GiB"),
        (3 << 19, "1.5 MiB"),
        (1_000_000, "1 MB"),
        (1_500, "1.5 KB"),
        (1024, "1 KiB"),
        (999, "999 bytes"),
        (1025, "1025 bytes"),
    ],
)
def test_limit_of_bytes_written_is_printed_with_its_unit(size: int, printed: str) -> None:
    with pytest.raises(LimitReached, match=rf"\(limit: {printed}\)$"):
        Meter(Limits(written_size_max=size)).write(size + 1)


def test_check_that_fails_still_counts() -> None:
    meter = Meter(Limits(documents_read_max=0, documents_written_max=0))

    with pytest.raises(LimitReached, match="documents read"):
        meter.read(5)
    with pytest.raises(LimitReached, match="writes"):
        meter.write(7)

    assert (meter.documents_read, meter.read_size) == (1, 5)
    assert (meter.documents_written, meter.written_size) == (1, 7)


def test_write_counters_are_restored_and_read_counters_are_not() -> None:
    meter = Meter(Limits())
    meter.write(1)
    counters = meter.written()
    meter.write(2)
    meter.read(3)

    meter.restore_written(counters)

    assert (meter.documents_written, meter.written_size) == (1, 1)
    assert (meter.documents_read, meter.read_size) == (1, 3)


def test_largest_and_deepest_documents_are_remembered() -> None:
    meter = Meter(Limits())
    meter.note_document("a", 10, 3)
    meter.note_document("b", 20, 1)
    meter.note_document("c", 20, 3)

    assert meter.largest_document == ("b", 20)
    assert meter.deepest_document == ("a", 3)


def test_nothing_used_is_zero_everywhere() -> None:
    assert Usage() == NOTHING_USED
    assert (NOTHING_USED.documents_read, NOTHING_USED.read_ranges, NOTHING_USED.largest_document) == (0, 0, None)

"""Times as JavaScript's Date has them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from convex_mastra_emulator.stores.times import from_epoch_ms, from_iso, now, to_epoch_ms, to_iso, to_milliseconds

MOMENT = datetime(2026, 11, 21, 9, 0, 0, 123000, UTC)


def test_now_is_aware_and_whole_milliseconds() -> None:
    assert now().tzinfo is UTC
    assert now().microsecond % 1000 == 0


def test_time_is_cut_not_rounded() -> None:
    assert to_milliseconds(MOMENT.replace(microsecond=123999)) == MOMENT


def test_iso_text_is_utc_with_milliseconds() -> None:
    east = timezone(timedelta(hours=2))

    assert to_iso(MOMENT) == "2026-11-21T09:00:00.123Z"
    assert to_iso(datetime(2026, 11, 21, 11, tzinfo=east)) == "2026-11-21T09:00:00.000Z"


@pytest.mark.parametrize(
    "text", ["2026-11-21T09:00:00.123Z", "2026-11-21T11:00:00.123456+02:00", "2026-11-21T09:00:00.123"]
)
def test_iso_text_is_read(text: str) -> None:
    assert from_iso(text) == MOMENT


def test_text_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat string"):
        from_iso("yesterday")


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2026-01-01T00:00:00 has no time zone"):
        to_iso(datetime(2026, 1, 1))


def test_epoch_milliseconds_there_and_back() -> None:
    assert to_epoch_ms(MOMENT) == 1795251600123
    assert from_epoch_ms(1795251600123) == MOMENT

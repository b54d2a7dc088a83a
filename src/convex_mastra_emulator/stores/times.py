"""Times in stores: aware datetimes to the millisecond in Python, ISO text on the wire, as JavaScript's ``Date``."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The machine's time, to the millisecond."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The same moment in UTC, cut to whole milliseconds.

    Raises:
        ValueError: for a datetime without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; times must be aware datetimes")
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def to_iso(moment: datetime) -> str:
    """``date.toISOString()``: ``2026-11-21T09:00:00.000Z``.

    Raises:
        ValueError: for a datetime without a time zone.
    """
    return to_milliseconds(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """``new Date(text)`` for ISO text; text without a zone is UTC.

    Raises:
        ValueError: for any other text.
    """
    moment = datetime.fromisoformat(text)
    return to_milliseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def to_epoch_ms(moment: datetime) -> int:
    """``date.getTime()``.

    Raises:
        ValueError: for a datetime without a time zone.
    """
    return round(to_milliseconds(moment).timestamp() * 1000)


def from_epoch_ms(milliseconds: float) -> datetime:
    """``new Date(milliseconds)``."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

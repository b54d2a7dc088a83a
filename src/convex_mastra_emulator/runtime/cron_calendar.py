"""When a cron falls due: intervals, and cron expressions of five fields in UTC.

Both a day of the month and a day of the week given: either suffices, as in cron(5).  convex-backend
crates/model/src/cron_jobs/next_ts.rs (crate saffron; convex-engine.md §10.12, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# A leap day can be eight years away (2096 to 2104).
_DAYS_AHEAD_MAX = 9 * 366


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    names_from: int = 0


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of week", 0, 7, _DAYS, 0),
)


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A parsed expression; each field is the set of values it allows."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_any_day: bool
    is_any_weekday: bool

    def next_after(self, moment: datetime) -> datetime:
        """The first whole minute after ``moment`` that matches.

        Raises:
            ValueError: if there is none, as for the 30th of February.
        """
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.replace(hour=0, minute=0)
        for _ in range(_DAYS_AHEAD_MAX):
            if self._allows_day(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        candidate = day.replace(hour=hour, minute=minute)
                        if candidate >= start:
                            return candidate
            day += timedelta(days=1)
        raise ValueError("no time matches this cron expression")

    def _allows_day(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        is_day, is_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.is_any_day or self.is_any_weekday:
            return is_day and is_weekday
        return is_day or is_weekday


def parse_cron(text: str) -> CronExpression:
    """Reads ``minute hour day-of-month month day-of-week``.

    Raises:
        ValueError: naming the field and what is wrong with it.
    """
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"a cron expression has five fields (minute, hour, day, month, day of week), got {text!r}")
    minutes, hours, days, months, weekdays = (_values(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    return CronExpression(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        is_any_day=parts[2].startswith("*"),
        is_any_weekday=parts[4].startswith("*"),
    )


def _values(text: str, field: _Field) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and (not step.isdigit() or int(step) == 0):
            raise ValueError(f"{field.name}: {part!r} has no step greater than 0")
        first, last = _span(span, field, is_open=bool(slash))
        values.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(values)


def _span(text: str, field: _Field, *, is_open: bool) -> tuple[int, int]:
    if text == "*":
        return field.first, field.last - (field.name == "day of week")
    first, dash, last = text.partition("-")
    begin = _number(first, field)
    end = _number(last, field) if dash else field.last if is_open else begin
    if end < begin:
        raise ValueError(f"{field.name}: {text!r} ends before it begins")
    return begin, end


def _number(text: str, field: _Field) -> int:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.names_from
    if not text.isascii() or not text.isdigit() or not field.first <= int(text) <= field.last:
        raise ValueError(f"{field.name}: {text!r} is not between {field.first} and {field.last}")
    return int(text)


def next_interval(seconds: float, previous_ms: float, now_ms: float) -> float:
    """The next time of an interval: the previous one and the interval; what was missed is skipped."""
    step = seconds * 1000
    following = previous_ms + step
    if following <= now_ms:
        following += step * ((now_ms - following) // step + 1)
    return following


NextTime = Callable[[float, float], float]
"""Gives the next time of a cron from its previous one and the time it is now, in milliseconds."""


def next_of_expression(text: str) -> NextTime:
    """The rule of a cron expression.

    Raises:
        ValueError: for what is no expression.
    """
    expression = parse_cron(text)

    def following(previous_ms: float, now_ms: float) -> float:
        moment = datetime.fromtimestamp(max(previous_ms, now_ms) / 1000, UTC)
        return expression.next_after(moment).timestamp() * 1000

    return following

"""Days of a cron expression that depend on the month: last days, workdays, the n-th weekday.

Crate saffron as get-convex has changed it, src/parse.rs and src/lib.rs (convex-engine.md §10.12, checked 2026-11-21).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date

DayRule = Callable[[date], bool]
"""Whether a day is one of the expression's."""

_SATURDAY, _SUNDAY = 6, 7
_OFFSET_MAX = 30


def month_day_rule(text: str) -> DayRule | None:
    """The rule of ``L``, ``L-3``, ``LW``, ``L-3W`` or ``15W``; None for anything else."""
    if last := re.fullmatch(r"L(?:-([0-9]+))?(W)?", text):
        offset = int(last[1] or 0)
        if last[1] is not None and not 1 <= offset <= _OFFSET_MAX:
            return None
        return _last_day(offset, is_workday=bool(last[2]))
    if (nearest := re.fullmatch(r"([0-9]+)W", text)) and 1 <= int(nearest[1]) <= calendar.monthrange(2000, 1)[1]:
        wanted = int(nearest[1])
        return lambda day: wanted <= _days_in_month(day) and day.day == _nearest_workday(day, wanted)
    return None


def week_day_rule(text: str, names: tuple[str, ...]) -> DayRule | None:
    """The rule of ``FRIL``, the last Friday of a month, or ``FRI#2``, its second; None for anything else."""
    found = re.fullmatch(rf"([0-6]|{'|'.join(names)})(?:L|#([1-5]))", text, re.IGNORECASE)
    if found is None or text.endswith("l"):
        return None
    name = found[1].upper()
    weekday = names.index(name) if name in names else int(name)
    if found[2] is None:
        return lambda day: day.isoweekday() % 7 == weekday and day.day + 7 > _days_in_month(day)
    nth = int(found[2])
    return lambda day: day.isoweekday() % 7 == weekday and (day.day - 1) // 7 + 1 == nth


def _last_day(offset: int, *, is_workday: bool) -> DayRule:
    def rule(day: date) -> bool:
        wanted = _days_in_month(day) - offset
        if wanted < 1:
            return False
        return day.day == (_nearest_workday(day, wanted) if is_workday else wanted)

    return rule


def _nearest_workday(month: date, wanted: int) -> int:
    """The workday nearest to a day, within its month."""
    weekday = month.replace(day=wanted).isoweekday()
    if weekday == _SATURDAY:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == _SUNDAY:
        return wanted + 1 if wanted < _days_in_month(month) else wanted - 2
    return wanted


def _days_in_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]

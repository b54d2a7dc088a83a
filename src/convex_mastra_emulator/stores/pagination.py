"""Pages, orders, date ranges and metadata filters: the rules of Mastra's core that every storage adapter shares.

npm @mastra/core 1.71.0 ``normalizePerPage``, ``calculatePagination``, ``MemoryStorage.validatePaginationInput``,
``validateMetadataKeys``, ``parseOrderBy``, ``filterByDateRange``, ``validateStorageMetadataFilter`` and
``storageMessageMatchesMetadataFilter``.  Checked 2026-11-21.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NoReturn, TypeAlias, TypeVar

from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.json_text import safely_parse_json
from convex_mastra_emulator.stores.times import from_iso, to_milliseconds

MAX_SAFE_INTEGER: Final = 2**53 - 1
METADATA_KEY_LENGTH_MAX: Final = 128
_METADATA_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METADATA_KEYS_REFUSED = frozenset({"__proto__", "prototype", "constructor"})

PerPage: TypeAlias = int | Literal[False]
"""How many items a page holds; False puts all on one."""
Direction: TypeAlias = Literal["ASC", "DESC"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBy:
    """How a list is ordered.

    Attributes:
        field: ``created_at`` or ``updated_at``, or as the columns are called; anything else counts as ``created_at``.
        direction: ``ASC`` or ``DESC``; anything else counts as the list's default.
    """

    field: str | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """From when to when, compared to the millisecond; the ends belong to it unless excluded.

    Attributes:
        start: a datetime or ISO text; None for no beginning.
        end: a datetime or ISO text; None for no end.
        start_exclusive: whether ``start`` itself is outside.
        end_exclusive: whether ``end`` itself is outside.
    """

    start: datetime | str | None = None
    end: datetime | str | None = None
    start_exclusive: bool = False
    end_exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pagination:
    """Where a page begins, and the size the answer names."""

    offset: int
    per_page: PerPage


def normalize_per_page(per_page: Any, default: int) -> int:
    """The size of a page: ``default`` for None, the largest safe integer for False.

    Raises:
        StorageError: ``perPage must be >= 0`` for a number that is negative or not whole.
    """
    if per_page is False:
        return MAX_SAFE_INTEGER
    if not _is_number(per_page):
        return default
    if not _is_integer(per_page) or per_page < 0:
        raise StorageError("perPage must be >= 0")
    return int(per_page)


def calculate_pagination(page: Any, per_page: Any, normalized_per_page: int) -> Pagination:
    """Where a page begins; with ``per_page=False`` at 0, whatever the page.

    Args:
        page: counted from 0.
        per_page: as the caller gave it.
        normalized_per_page: what :func:`normalize_per_page` made of it.

    Raises:
        StorageError: ``page must be >= 0`` for anything but a whole number from 0.
    """
    if not _is_integer(page) or page < 0:
        raise StorageError("page must be >= 0")
    if per_page is False:
        return Pagination(offset=0, per_page=False)
    return Pagination(offset=int(page) * normalized_per_page, per_page=normalized_per_page)


def validate_pagination_input(page: Any, per_page: Any) -> None:
    """Refuses pages that cannot be.

    Raises:
        StorageError: with the reason.
    """
    if per_page is False:
        if page != 0:
            raise StorageError("page must be 0 when perPage is false")
        return
    if not _is_safe_integer(per_page):
        raise StorageError("perPage must be false or a safe integer")
    if per_page < 0:
        raise StorageError("perPage must be >= 0")
    if not _is_safe_integer(page) or page < 0:
        raise StorageError("page must be >= 0")
    if page * per_page > MAX_SAFE_INTEGER:
        raise StorageError("page value too large")


def parse_order_by(order_by: OrderBy | None, default_direction: Direction) -> OrderBy:
    """The order that is meant: ``created_at`` or ``updated_at``, ``ASC`` or ``DESC``."""
    asked = order_by or OrderBy()
    return OrderBy(
        field="updated_at" if asked.field in ("updated_at", "updatedAt") else "created_at",
        direction=asked.direction if asked.direction in ("ASC", "DESC") else default_direction,
    )


def in_order(items: Iterable[Item], key: Callable[[Item], Any], order: OrderBy) -> list[Item]:
    """The items sorted; equal ones keep their order in both directions, as JavaScript's sort does it."""
    return sorted(items, key=key, reverse=order.direction == "DESC")


def within(items: list[Item], created_at: Callable[[Item], datetime], date_range: DateRange | None) -> list[Item]:
    """The items of a range of dates.

    Raises:
        ValueError: for a bound that is no time, or has no zone.
    """
    if date_range is None:
        return items
    start, end = _moment(date_range.start), _moment(date_range.end)
    if start is not None:
        items = [item for item in items if _is_before(start, created_at(item), date_range.start_exclusive)]
    if end is not None:
        items = [item for item in items if _is_before(created_at(item), end, date_range.end_exclusive)]
    return items


def validate_metadata_keys(metadata: Mapping[str, Any] | None) -> None:
    """Refuses keys of a thread filter that are no plain names.

    Raises:
        StorageError: naming the key.
    """
    for key in metadata or ():
        if key in _METADATA_KEYS_REFUSED:
            raise StorageError(f'Invalid metadata key: "{key}".')
        if not _METADATA_KEY.fullmatch(key):
            raise StorageError(
                f'Invalid metadata key: "{key}". Keys must start with a letter or underscore'
                " and contain only alphanumeric characters and underscores."
            )
        if len(key) > METADATA_KEY_LENGTH_MAX:
            raise StorageError(f'Metadata key "{key}" exceeds maximum length of {METADATA_KEY_LENGTH_MAX} characters.')


def validate_metadata_filter(metadata: Any) -> Mapping[str, Any] | None:
    """A message filter as it is applied: None if it is absent or empty.

    Raises:
        TypeError: naming the key, or saying that the filter is no object.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        raise TypeError("Metadata filter must be an object.")
    for key, value in metadata.items():
        if len(key) > METADATA_KEY_LENGTH_MAX or not _METADATA_KEY.fullmatch(key) or key in _METADATA_KEYS_REFUSED:
            raise TypeError(f'Invalid metadata filter key "{key}".')
        if not _is_filter_value(value):
            raise TypeError(
                f'Invalid metadata filter value for key "{key}".'
                " Values must be string, finite number, boolean, or null."
            )
    return metadata or None


def matches_metadata_filter(content: Any, metadata: Mapping[str, Any] | None) -> bool:
    """Whether the metadata inside a message's content has all these values."""
    if metadata is None:
        return True
    parsed = safely_parse_json(content) if isinstance(content, str) else content
    stored = parsed.get("metadata") if isinstance(parsed, Mapping) else None
    return has_values(stored, metadata)


def has_values(metadata: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether ``metadata`` is an object that has all these values, by ``===``."""
    return isinstance(metadata, Mapping) and all(
        key in metadata and strictly_equal(metadata[key], value) for key, value in wanted.items()
    )


def strictly_equal(left: Any, right: Any) -> bool:
    """``left === right`` for parsed JSON: true is not 1, and two objects are never the same."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if _is_number(left):
        return _is_number(right) and bool(left == right)
    return isinstance(left, str) and isinstance(right, str) and left == right


def refused(error: Exception, operation: str, status: str, details: Mapping[str, Any]) -> NoReturn:
    """Ends a call whose arguments the adapter refuses, with the text of ``error``.

    Raises:
        MastraError: always; its id is ``MASTRA_STORAGE_CONVEX_<operation>_<status>``, its category USER.
    """
    raise MastraError(
        str(error),
        id=f"MASTRA_STORAGE_CONVEX_{operation}_{status}",
        domain="STORAGE",
        category="USER",
        details=details,
    ) from None


def _moment(bound: datetime | str | None) -> datetime | None:
    if not bound:
        return None
    return from_iso(bound) if isinstance(bound, str) else to_milliseconds(bound)


def _is_before(earlier: datetime, later: datetime, is_exclusive: bool) -> bool:
    return earlier < later if is_exclusive else earlier <= later


def _is_filter_value(value: Any) -> bool:
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _is_safe_integer(value: Any) -> bool:
    return _is_integer(value) and abs(value) <= MAX_SAFE_INTEGER

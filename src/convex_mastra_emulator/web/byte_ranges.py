"""The ``Range`` header of downloads, read as a deployment does: literally, without a look at the file's length.

The last bytes of a file (``bytes=-5``) are counted from the largest number there is, so that nothing is behind them.
``Content-Range`` repeats what was asked for, however long the file is.

convex-backend crates/local_backend/src/storage.rs ``storage_get``, crates/storage/src/lib.rs ``get_fq_object_range``;
Rust's crate headers 0.4.0 ``Range::satisfiable_ranges`` and ``ContentRange::bytes`` (checked 2026-11-21).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNIT = "bytes="
_LARGEST = 2**64 - 1
_NUMBER = re.compile(r"\+?[0-9]+")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From the first byte to the last one that is wanted; None is the end of the file."""

    first: int
    last: int | None

    def of(self, body: bytes) -> bytes:
        """The part of a file; nothing, if it lies behind its end."""
        end = len(body) if self.last is None else min(self.last + 1, len(body))
        return body[self.first : end] if self.first < end else b""

    def content_range(self, size: int) -> str:
        """The header's value for a file of ``size`` bytes, which is not empty."""
        last = size - 1 if self.last is None else self.last
        return f"bytes {self.first}-{last}/{size}"


def parse_ranges(header: str | None) -> list[ByteRange] | None:
    """The ranges that are asked for and can be read; None if all of the file is wanted."""
    if header is None or not header.startswith(_UNIT):
        return None
    ranges = [_parse_range(text.strip()) for text in header.removeprefix(_UNIT).split(",")]
    return [found for found in ranges if found is not None]


def _parse_range(text: str) -> ByteRange | None:
    first, hyphen, last = text.partition("-")
    if not hyphen or not _is_bound(first) or not _is_bound(last):
        return None
    if first:
        return ByteRange(int(first), int(last) if last else None)
    return ByteRange(_LARGEST - int(last) if last else 0, None)


def _is_bound(text: str) -> bool:
    return not text or (_NUMBER.fullmatch(text) is not None and int(text) <= _LARGEST)

r"""The total order of values, as byte strings that compare like the values do.

    undefined < null < Int64 < Float64 < false < true < String < Bytes < Array < Object

Int64 and Float64 never compare equal; ``-0.0 < 0.0``; strings go by UTF-8 bytes; objects as the sequence
of their sorted keys and values.  Two values are equal exactly if their sort keys are.

convex-backend crates/value/src/sorting.rs (convex-engine.md §2 and appendix A, checked 2026-11-21).
"""

from __future__ import annotations

import struct
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.values.types import Value, undefined

UNDEFINED_KEY = b"\x01"
NULL_KEY = b"\x03"
_INT64_ZERO = 0x08
_TERMINATOR = b"\x00"
_SIGN = 1 << 63
_ALL_BITS = (1 << 64) - 1
_pack_float = struct.Struct(">d").pack
_unpack_bits = struct.Struct(">Q").unpack
_pack_bits = struct.Struct(">Q").pack


def float_key(value: float) -> bytes:
    """The sort key of a Float64: IEEE total order."""
    (bits,) = _unpack_bits(_pack_float(value))
    return b"\x0d" + _pack_bits(bits ^ _ALL_BITS if bits & _SIGN else bits | _SIGN)


def text_key(value: str) -> bytes:
    """The sort key of a String."""
    return b"\x10" + value.encode().replace(b"\x00", b"\x00\xff") + b"\x00"


def _int64_key(number: int) -> bytes:
    if number == 0:
        return bytes((_INT64_ZERO,))
    for step, size in ((1, 1), (2, 2), (3, 4), (4, 8)):
        half = 1 << (8 * size - 1)
        if -half <= number < half:
            tag = _INT64_ZERO + step if number > 0 else _INT64_ZERO - step
            return bytes((tag,)) + number.to_bytes(size, "big", signed=True)
    raise AssertionError(f"{number} is no Int64")


def _object_key(value: dict[str, Any]) -> bytes:
    parts = [b"\x15"]
    for name in sorted(value):
        # The empty name is marked, so that it differs from the end of the object.
        parts.append(name.encode().replace(b"\x00", b"\x00\xff") + b"\x00" if name else b"\x00\xff")
        parts.append(sort_key(value[name]))
    parts.append(_TERMINATOR)
    return b"".join(parts)


def sort_key(value: Value) -> bytes:
    """The order-preserving bytes of a value or of :data:`undefined`."""
    kind = type(value)
    if kind is str:
        return text_key(value)
    if kind is float:
        return float_key(value)
    if value is None:
        return NULL_KEY
    if value is undefined:
        return UNDEFINED_KEY
    if kind is bool:
        return b"\x0f" if value else b"\x0e"
    if kind is ConvexInt64:
        return _int64_key(value.value)
    if kind is bytes:
        return b"\x11" + bytes(value).replace(b"\x00", b"\x00\xff") + b"\x00"
    if kind is list:
        return b"\x12" + b"".join(map(sort_key, value)) + b"\x00"
    return _object_key(value)


_IDENTITY_COMPARED = frozenset({str, bool, bytes, type(None)})


def same(left: Value, right: Value) -> bool:
    """Whether two values are equal in the total order (so ``1`` differs from ``1n`` and ``0`` from ``-0``)."""
    kind = type(left)
    if kind is not type(right):
        return False
    if kind in _IDENTITY_COMPARED:
        return bool(left == right)
    return sort_key(left) == sort_key(right)


def successor(prefix: bytes) -> bytes:
    """The smallest key above every key that begins with ``prefix``; the empty string if there is none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,)) if trimmed else b""

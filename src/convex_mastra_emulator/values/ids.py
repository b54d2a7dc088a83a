"""Document ids: table number, sixteen random bytes and a checksum in lower-case Crockford base32.

    bytes = varint(table number) + internal id (16) + u16 little-endian (fletcher16 XOR version)

convex-backend crates/value/src/id_v6.rs, base32.rs, crates/database/src/transaction_id_generator.rs
(convex-engine.md §3.1, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import random
from functools import lru_cache
from operator import mul

from convex_mastra_emulator.errors import InvalidValue

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
INTERNAL_ID_SIZE = 16
FIRST_USER_TABLE_NUMBER = 10001
_VERSION = 0
_LENGTH_MIN, _LENGTH_MAX = 31, 37
_TO_RFC4648 = str.maketrans(ALPHABET, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_FROM_RFC4648 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
_WEIGHTS = tuple(range(INTERNAL_ID_SIZE + 5, 0, -1))
_GROUP_SIZE = 5
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Of seventeen bytes, the first of which is 1; reading a number of more digits takes the square of their count.
_BASE62_LENGTH_MAX = 23


def _fletcher16(data: bytes) -> int:
    """Both running sums modulo 256 (not 255); the second one is a weighted sum of the bytes."""
    weighted: int = sum(map(mul, data, _WEIGHTS[len(_WEIGHTS) - len(data) :]))
    return (weighted & 0xFF) << 8 | (sum(data) & 0xFF)


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def encode_id(table_number: int, internal_id: bytes) -> str:
    """The text of an id."""
    body = _varint(table_number) + internal_id
    data = body + (_fletcher16(body) ^ _VERSION).to_bytes(2, "little")
    if len(data) == 4 * _GROUP_SIZE:
        return "".join([_group_text(data[start : start + _GROUP_SIZE]) for start in range(0, 20, _GROUP_SIZE)])
    return base64.b32encode(data).rstrip(b"=").translate(_FROM_RFC4648).decode("ascii")


def _group_text(group: bytes) -> str:
    """Five bytes are eight characters: four looked up in pairs, which is twice as fast as the standard library."""
    bits = int.from_bytes(group)
    return _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]


def _refusal(reason: str) -> InvalidValue:
    return InvalidValue(f"Unable to decode ID: {reason}", code="InvalidId")


def _decode_base32(text: str) -> bytes:
    if not all(char in ALPHABET for char in text):
        raise _refusal("ID wasn't valid base32")
    # Crockford text may end anywhere: 33 and 35 characters carry a useless last one, which the round trip refuses.
    usable = len(text) * 5 // 8
    number = int.from_bytes(base64.b32decode(text.translate(_TO_RFC4648) + "A" * (-len(text) % 8)))
    total = (len(text) + -len(text) % 8) * 5 // 8
    return number.to_bytes(total)[:usable]


def _read_varint(data: bytes) -> tuple[int, int]:
    number = 0
    for position in range(min(5, len(data))):
        number |= (data[position] & 0x7F) << (7 * position)
        if not data[position] & 0x80:
            if number == 0 or number >= 1 << 32:
                break
            return number, position + 1
    raise _refusal("Invalid table number")


@lru_cache(maxsize=65_536)
def decode_id(text: str) -> tuple[int, bytes]:
    """The table number and the internal id of an id's text.

    Raises:
        InvalidValue: ``Unable to decode ID: …`` if the text is no id.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if not _LENGTH_MIN <= size <= _LENGTH_MAX:
        raise _refusal(f"Invalid ID length {size}")
    data = _decode_base32(text)
    table_number, start = _read_varint(data)
    end = start + INTERNAL_ID_SIZE
    if len(data) < end + 2:
        raise _refusal(f"Invalid ID length {size}")
    expected = _fletcher16(data[:end]) ^ _VERSION
    found = int.from_bytes(data[end : end + 2], "little")
    if found != expected:
        # A wrong checksum reads as a wrong version, because the two are combined by XOR.
        raise _refusal(f"Invalid ID version {found} (expected {expected})")
    if len(data) != end + 2 or encode_id(table_number, data[start:end]) != text:
        raise _refusal(f"Invalid ID length {size}")
    return table_number, data[start:end]


def decode_legacy_id(text: str) -> bytes | None:
    """The internal id of the two older forms, which only ``normalizeId`` still reads; None if it is neither."""
    if not text.isascii():
        return None
    if len(text) <= 22:
        return _decode_base64url(text)
    return _decode_base62(text)


def _decode_base64url(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return data if len(data) == INTERNAL_ID_SIZE else None


def _decode_base62(text: str) -> bytes | None:
    digits = text.lstrip(_BASE62[0])
    if len(digits) > _BASE62_LENGTH_MAX:
        return None
    number = 0
    for char in digits:
        digit = _BASE62.find(char)
        if digit < 0:
            return None
        number = number * 62 + digit
    size = (number.bit_length() + 7) // 8
    return number.to_bytes(size)[1:] if size == INTERNAL_ID_SIZE + 1 else None


class IdSource:
    """Where new ids come from: fourteen random bytes, then the day.

    Args:
        seed: the same seed gives the same ids; None begins at a random place.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def continue_from(self, other: IdSource) -> None:
        """Gives from now on what ``other`` would give next."""
        self._random.setstate(other._random.getstate())

    def internal_id(self, now_ns: int) -> bytes:
        """Sixteen bytes for a document created at ``now_ns``."""
        days = now_ns // 86_400_000_000_000
        return self._random.randbytes(14) + (days & 0xFFFF).to_bytes(2)

    def uuid(self) -> str:
        """A random UUID (version 4), as files are named in their URLs."""
        data = bytearray(self._random.randbytes(16))
        data[6] = data[6] & 0x0F | 0x40
        data[8] = data[8] & 0x3F | 0x80
        text = data.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def token(self) -> str:
        """Sixteen hexadecimal digits, as in request ids."""
        return self._random.randbytes(8).hex()

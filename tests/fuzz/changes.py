"""Right input made wrong in a few places, the same way for the same number."""

import random

# What breaks readers: ends of numbers, of texts, of nesting; names with a meaning; bytes that are no text.
PIECES = [
    b"null", b"-0", b"0", b"1e999", b"-1", b"4294967296", b"18446744073709551616", b"1.5", b"NaN", b'""', b"[]", b"{}",
    b'"\\ud800"', b'"\\u0000"', b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\n", b"\r\n", b'"',
    b"\\", b"{", b"[", b"}", b"]", b",", b":", b"." * 40, b"[" * 200, b'{"a":' * 200, b"9" * 400, b"a" * 70, b"%00",
    b"__proto__", b"$integer", b"_id", b"_creationTime", b"Convex ", b"Bearer ", b"\xef\xbb\xbf", b"PK\x03\x04", b"../",
]  # fmt: skip


def changed(data: bytes, seed: int, changes: int) -> bytes:
    """The bytes with so many changes: something cut out, repeated, replaced, put in."""
    chance = random.Random(seed)
    for _ in range(changes):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 8, 64)))
        middle = chance.choice((b"", data[start:end] * 2, chance.choice(PIECES), chance.randbytes(1)))
        data = data[:start] + middle + data[end:]
    return data

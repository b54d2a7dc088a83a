"""Media types, such as ``text/plain; charset=utf-8``, as a deployment reads and keeps them.

Its Rust crates mime 0.3.17 and headers 0.4.0 decide what is one: a type without a subtype (``text/``) is, one with a
blank behind the slash is not.  What is kept is the text with its names in lower case.

convex-backend crates/local_backend/src/storage.rs ``storage_upload``,
crates/isolate/src/environment/action/storage.rs ``run_storage_store`` (checked 2026-11-21).
"""

from __future__ import annotations

_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SPACE, _QUOTE, _SLASH, _SEMICOLON, _EQUALS = b' "/;='
_CHARSET, _UTF_8 = b"charset", b"utf-8"
_Span = tuple[int, int]


class MediaTypeError(ValueError):
    """A text is no media type; says why in the crate's words."""


def parse_media_type(text: str) -> str:
    """The media type as it is kept.

    Raises:
        MediaTypeError: if ``text`` is none.
    """
    if text == "*/*":
        return text
    data = text.encode()
    slash = _token_end(data, 0)
    if slash == len(data):
        raise MediaTypeError("mime parse error: a slash (/) was missing between the type and subtype")
    if slash == 0 or data[slash] != _SLASH:
        raise _invalid_token(data, slash)
    end = _token_end(data, slash + 1)
    if end < len(data) and (end == slash + 1 or data[end] != _SEMICOLON):
        raise _invalid_token(data, end)
    return _lowered(data, end, _parameters(data, end))


def _lowered(data: bytes, end: int, parameters: list[tuple[_Span, _Span]]) -> str:
    if not parameters:
        return data[:end].lower().decode()
    kept = bytearray(data)
    kept[:end] = kept[:end].lower()
    for (start, stop), (first, last) in parameters:
        kept[start:stop] = kept[start:stop].lower()
        if kept[start:stop] == _CHARSET:
            kept[first:last] = kept[first:last].lower()
    return kept.decode()


def _parameters(data: bytes, semicolon: int) -> list[tuple[_Span, _Span]]:
    """Where the names and values of the parameters stand."""
    found = []
    position = semicolon + 1
    while position < len(data):
        if data[position] == _SPACE:
            position += 1
            continue
        equals = _token_end(data, position)
        if equals == len(data):
            raise MediaTypeError("mime parse error: an equals sign (=) was missing between a parameter and its value")
        if equals == position or data[equals] != _EQUALS:
            raise _invalid_token(data, equals)
        value, following = _value(data, equals + 1)
        found.append(((position, equals), value))
        position = following
    return found


def _value(data: bytes, start: int) -> tuple[_Span, int]:
    """Where a value stands, and where the next parameter begins."""
    if data[start : start + 1] == b'"':
        return _quoted_value(data, start + 1)
    end = _token_end(data, start)
    if end < len(data) and (end == start or data[end] != _SEMICOLON):
        raise _invalid_token(data, end)
    return (start, end), end + 1


def _quoted_value(data: bytes, start: int) -> tuple[_Span, int]:
    end = start
    # A quote right behind the first one is part of the value.
    while end < len(data) and (data[end] != _QUOTE or end == start):
        if data[end] <= 31 or data[end] == 127:
            raise _invalid_token(data, end)
        end += 1
    if end == len(data):
        raise MediaTypeError('mime parse error: a quote (") was missing from a parameter value')
    following = end + 1
    while following < len(data) and data[following] == _SPACE:
        following += 1
    if following < len(data) and data[following] != _SEMICOLON:
        raise _invalid_token(data, following)
    return (start, end), following + 1


def _token_end(data: bytes, start: int) -> int:
    end = start
    while end < len(data) and data[end] in _TOKEN:
        end += 1
    return end


def _invalid_token(data: bytes, position: int) -> MediaTypeError:
    return MediaTypeError(
        f"mime parse error: an invalid token was encountered, {data[position]:X} at position {position}"
    )

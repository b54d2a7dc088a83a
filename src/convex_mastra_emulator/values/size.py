"""How large a value is, how deep it is nested, and the check of both while a value is taken in.

    size(null) = size(bool) = 1        size(int64) = size(float64) = 9
    size(string) = 2 + UTF-8 bytes     size(bytes) = 2 + length
    size(array) = 2 + Σ size(e)        size(object) = 2 + Σ (name + 1 + size(value))

convex-backend crates/value/src/size.rs, array.rs, object.rs (convex-engine.md §1.6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from convex import ConvexInt64

from convex_mastra_emulator.errors import InvalidValue, UnsupportedType
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.display import human_size
from convex_mastra_emulator.values.names import field_name_problem
from convex_mastra_emulator.values.types import Value, undefined

# A Python int stands for a JavaScript number, as in PyPI convex 0.8.1 (convex/values.py int_to_float).
SAFE_INTEGER_MAX = 2**53


class Measured(NamedTuple):
    """A value nobody else holds, with its size in bytes and its nesting depth."""

    value: Value
    size: int
    nesting: int


_Parts: TypeAlias = tuple[Value, int, int]
"""What :class:`Measured` names; plain inside this module, where it is made for every element."""


def is_float_list(value: list[Any]) -> bool:
    """Whether a list holds Float64 and nothing else, as embeddings do; such lists are never walked in Python."""
    return bool(value) and type(value[0]) is float and list(map(type, value)).count(float) == len(value)


def take_in(value: Any, limits: Limits) -> Measured:
    """Copies, checks and measures a Python value in one pass, innermost first as the deployment does.

    Object fields whose value is :data:`undefined` are dropped, as JavaScript's conversion does.

    Raises:
        UnsupportedType: for an object that is no Convex value.
        InvalidValue: when a rule of §1.5 or §1.6 is broken.
    """
    return Measured._make(_take_in(value, limits))


def _take_in(value: Any, limits: Limits) -> _Parts:
    kind = type(value)
    if kind is dict:
        try:
            return _take_in_object(value, limits)
        except TypeError:
            _text_keys(value)  # says which key is no text, if that was it
            raise
    if kind is list:
        return _take_in_array(value, limits)
    if kind is str:
        return value, 2 + _utf8_size(value), 0
    if kind is float or kind is ConvexInt64:
        return value, 9, 0
    if value is None or kind is bool:
        return value, 1, 0
    if kind is bytes:
        return value, 2 + len(value), 0
    return _take_in_coerced(value, limits)


def _utf8_size(text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidValue(
            "Received invalid json: unexpected end of hex escape: the string holds a lone surrogate",
            code="SyscallArgsInvalidJson",
        ) from None


def _take_in_object(value: Mapping[str, Any], limits: Limits) -> _Parts:
    taken: dict[str, Value] = {}
    size = 2
    nesting = 0
    name_size_max = limits.field_name_size_max
    for name in sorted(value):
        item = value[name]
        if item is undefined:
            continue
        problem = field_name_problem(name, name_size_max)
        if problem is not None:
            raise InvalidValue(problem, code="InvalidFieldName")
        kind = type(item)
        size += len(name) + 1
        if kind is str and item.isascii():  # most fields are plain text or numbers: no call for them
            taken[name] = item
            size += 2 + len(item)
            continue
        if kind is float:
            taken[name] = item
            size += 9
            continue
        taken[name], item_size, item_nesting = _take_in(item, limits)
        size += item_size
        if item_nesting > nesting:
            nesting = item_nesting
    if len(taken) > limits.object_fields_max:
        raise too_many_fields(len(taken), limits)
    return _container(taken, size, nesting + 1, limits)


def _take_in_array(value: list[Any], limits: Limits) -> _Parts:
    if is_float_list(value):  # measured without a call per element
        if len(value) > limits.array_length_max:
            raise _too_long(len(value), limits)
        return _container(value.copy(), 2 + 9 * len(value), 1, limits)
    taken = [_take_in(item, limits) for item in value]
    if len(taken) > limits.array_length_max:
        raise _too_long(len(taken), limits)
    size = 2 + sum(item_size for _, item_size, _ in taken)
    nesting = max((item_nesting for _, _, item_nesting in taken), default=0)
    return _container([item for item, _, _ in taken], size, nesting + 1, limits)


def _container(value: Value, size: int, nesting: int, limits: Limits) -> _Parts:
    if size > limits.value_size_max:
        raise InvalidValue(
            f"Value is too large ({human_size(size)} > maximum size {human_size(limits.value_size_max)})",
            code="ValueTooLargeError",
        )
    if nesting > limits.value_nesting_max:
        raise too_nested(nesting, limits)
    return (value, size, nesting)


def too_nested(nesting: int, limits: Limits) -> InvalidValue:
    """The refusal of a value that is ``nesting`` levels deep."""
    return InvalidValue(
        f"Value is too nested (nested {nesting} levels deep > maximum nesting {limits.value_nesting_max})",
        code="TooNestedError",
    )


def _too_long(length: int, limits: Limits) -> InvalidValue:
    return InvalidValue(
        f"Array length is too long ({length} > maximum length {limits.array_length_max})", code="ArrayTooLong"
    )


def too_many_fields(count: int, limits: Limits) -> InvalidValue:
    """The refusal of an object with ``count`` fields."""
    return InvalidValue(
        f"Object has too many fields ({count} > maximum number {limits.object_fields_max})", code="TooManyFieldsError"
    )


def _take_in_coerced(value: Any, limits: Limits) -> _Parts:
    """Python types that stand for a Convex one: int, tuple, bytearray, mappings, and subclasses of the basic types."""
    if isinstance(value, int):
        if not -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX:
            raise InvalidValue(
                f"Integer {value} is outside the range of a Convex `Float64` (-2^53 to 2^53). "
                "Consider using a `ConvexInt64`, which corresponds to a `BigInt` in JavaScript Convex functions."
            )
        return (float(value), 9, 0)
    if isinstance(value, str):
        return _take_in(str.__str__(value), limits)
    if isinstance(value, float):
        return (float(value), 9, 0)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _take_in(bytes(value), limits)
    if isinstance(value, (list, tuple)):
        return _take_in_array(list(value), limits)
    if isinstance(value, Mapping):
        return _take_in_object(_text_keys(value), limits)
    if value is undefined:
        raise UnsupportedType(
            "undefined is not a valid Convex value. "
            "To learn about Convex's supported types, see https://docs.convex.dev/using/types."
        )
    raise UnsupportedType(f"{type(value).__name__} {value!r} is not a supported Convex type.")


def _text_keys(value: Mapping[Any, Any]) -> dict[str, Any]:
    for name in value:
        if not isinstance(name, str):
            raise UnsupportedType(f"Convex object keys must be strings, found {name!r}")
    return dict(value)


def measure(value: Value) -> tuple[int, int]:
    """The size in bytes and the nesting depth of a value that was taken in before."""
    kind = type(value)
    if kind is dict:
        size, nesting = 2, 0
        for name, item in value.items():
            item_size, item_nesting = measure(item)
            size += len(name) + 1 + item_size
            nesting = max(nesting, item_nesting)
        return size, nesting + 1
    if kind is list:
        if is_float_list(value):
            return 2 + 9 * len(value), 1
        parts = [measure(item) for item in value]
        return 2 + sum(size for size, _ in parts), 1 + max((nesting for _, nesting in parts), default=0)
    if kind is str:
        return 2 + (len(value) if value.isascii() else len(value.encode())), 0
    if kind is float or kind is ConvexInt64:
        return 9, 0
    return (2 + len(value), 0) if kind is bytes else (1, 0)


def size_of(value: Value) -> int:
    """The size in bytes of a value that was taken in before."""
    return measure(value)[0]


def copy_of(value: Value) -> Value:
    """A deep copy of a value that was taken in before; leaves are immutable and shared."""
    kind = type(value)
    if kind is dict:
        return {
            name: copy_of(item) if (item_kind := type(item)) is dict or item_kind is list else item
            for name, item in value.items()
        }
    if kind is list:
        if is_float_list(value):
            return value.copy()
        return [copy_of(item) for item in value]
    return value

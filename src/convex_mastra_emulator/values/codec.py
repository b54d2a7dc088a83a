"""The JSON forms of values: the encoded one, which loses nothing, and the two for output only.

    convex_encoded_json   {"$integer": b64}, {"$float": b64}, {"$bytes": b64}; the only form read back
    json                  clean: Int64 as decimal text, bytes as base64 text, NaN and infinities as text
    export_json           Int64 as a JSON integer, the rest as in the encoded form

convex-backend crates/value/src/json/*.rs, export.rs (convex-engine.md §1.2 and §1.3, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.errors import InvalidValue, RequestRefused
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.display import rust_float
from convex_mastra_emulator.values.size import Measured, is_float_list, take_in
from convex_mastra_emulator.values.types import Value, undefined

_CONTAINERS = frozenset({dict, list})


def _eight_bytes(text: Any, type_name: str) -> bytes:
    data = _base64(text)
    if len(data) != 8:
        raise InvalidValue(f"{type_name} must be exactly eight bytes", code="InvalidValue")
    return data


def _base64(text: Any) -> bytes:
    if not isinstance(text, str):
        raise InvalidValue(f"invalid type: {json_type(text)}, expected a string", code="InvalidValue")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(f"Invalid base64: {error}", code="InvalidValue") from None


def _decode_integer(text: Any) -> ConvexInt64:
    return ConvexInt64(int.from_bytes(_eight_bytes(text, "Int64"), "little", signed=True))


def _decode_float(text: Any) -> float:
    (number,) = struct.unpack("<d", _eight_bytes(text, "Float64"))
    if math.isfinite(number) and number != 0:
        raise InvalidValue(f"Float64 {rust_float(number)} should be encoded as a number", code="InvalidValue")
    return float(number)


_TAGS: dict[str, Callable[[Any], Value]] = {
    "$integer": _decode_integer,
    "$float": _decode_float,
    "$bytes": _base64,
}


def json_type(json: Any) -> str:
    """How serde names a JSON value in ``invalid type: …``."""
    if json is None:
        return "null"
    if isinstance(json, bool):
        return f"boolean `{str(json).lower()}`"
    if isinstance(json, float):
        return f"integer `{int(json)}`" if json.is_integer() else f"floating point `{json}`"
    if isinstance(json, str):
        return f'string "{json}"'
    return "sequence" if isinstance(json, list) else "map"


def _untag(json: Any, *, undefined_allowed: bool) -> Any:
    """Replaces the one-key ``$…`` objects by what they stand for; everything else stays."""
    kind = type(json)
    if kind is dict:
        if len(json) == 1:
            ((tag, content),) = json.items()
            decode_tag = _TAGS.get(tag)
            if decode_tag is not None:
                return decode_tag(content)
            if undefined_allowed and tag == "$undefined" and content is None:
                return undefined
        return {
            name: _untag(item, undefined_allowed=False)
            if (item_kind := type(item)) is dict or item_kind is list
            else item
            for name, item in json.items()
        }
    if kind is list:
        if is_float_list(json):
            return json
        return [_untag(item, undefined_allowed=False) for item in json]
    return json


def decode_measured(json: Any, limits: Limits) -> Measured:
    """Reads ``convex_encoded_json`` (parsed by :func:`~.json_text.parse_json`) and measures the value.

    Raises:
        InvalidValue: with the deployment's text.
    """
    return take_in(_untag(json, undefined_allowed=False), limits)


def decode(json: Any, limits: Limits) -> Value:
    """Reads ``convex_encoded_json``.

    Raises:
        InvalidValue: with the deployment's text.
    """
    return decode_measured(json, limits).value


def decode_stored(json: Any) -> Value:
    """Reads what :func:`encode` gave for a value that was taken in before; no limit is looked at."""
    return _untag(json, undefined_allowed=False)


def decode_or_undefined(json: Any, limits: Limits) -> Value:
    """Reads a value where ``{"$undefined": null}`` is allowed too (§1.8).

    Raises:
        InvalidValue: with the deployment's text.
    """
    untagged = _untag(json, undefined_allowed=True)
    return undefined if untagged is undefined else take_in(untagged, limits).value


def _encode_special(number: float) -> dict[str, str]:
    return {"$float": base64.b64encode(struct.pack("<d", number)).decode("ascii")}


def _is_negative_zero(number: float) -> bool:
    return number == 0 and math.copysign(1.0, number) < 0


def encode(value: Value) -> Any:
    """The value as ``convex_encoded_json``; object keys stay in the order they have."""
    kind = type(value)
    if kind is dict:
        return {name: encode(item) for name, item in value.items()}
    if kind is list:
        if is_float_list(value) and 0.0 not in value and all(map(math.isfinite, value)):
            return value.copy()  # an embedding: no element needs a look in Python
        return [encode(item) for item in value]
    if kind is float:
        return value if math.isfinite(value) and not _is_negative_zero(value) else _encode_special(value)
    if kind is ConvexInt64:
        return {"$integer": base64.b64encode(value.value.to_bytes(8, "little", signed=True)).decode("ascii")}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    return value


def export_clean(value: Value) -> Any:
    """The value as ``json``: readable, but not to be read back."""
    kind = type(value)
    if kind is dict:
        return {name: export_clean(item) for name, item in value.items()}
    if kind is list:
        return [export_clean(item) for item in value]
    if kind is float:
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if kind is ConvexInt64:
        return str(value.value)
    if kind is bytes:
        return base64.b64encode(value).decode("ascii")
    return value


def export_json(value: Value) -> Any:
    """The value as ``export_json``, the form of ``npx convex export``."""
    kind = type(value)
    if kind is dict:
        return {name: export_json(item) for name, item in value.items()}
    if kind is list:
        return [export_json(item) for item in value]
    if kind is float:
        return value if math.isfinite(value) else _encode_special(value)
    if kind is ConvexInt64:
        return value.value
    return encode(value)


_FORMATS: dict[str, Callable[[Value], Any]] = {
    "convex_encoded_json": encode,
    "convex_json": encode,
    "json": export_clean,
    "convex_clean_json": export_clean,
    "export_json": export_json,
}


def exporter(output_format: str) -> Callable[[Value], Any]:
    """The function that writes values in ``output_format``.

    Raises:
        RequestRefused: ``BadFormat`` for an unknown one.
    """
    try:
        return _FORMATS[output_format]
    except KeyError:
        message = f"format param must be one of [`json`]. Got {output_format}"
        raise RequestRefused(message, code="BadFormat") from None

"""Reading and writing JSON text as the deployment's parser (serde_json) does.

Every number is a Float64; literals beyond its range, lone surrogates, NaN literals and more than 127 levels
are refused; of equal keys the last one wins (convex-engine.md §1.2, convex-wire.md §1.7, checked 2026-11-21).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from convex import ConvexInt64

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.values.serde_syntax import NESTING_MAX, IsRaw, Path, SerdeFault, ValuePlaces, find_fault

# A number reaches 1e308 by its digits and its exponent together.
_MAY_OVERFLOW = re.compile(r"\d[eE]\+?0*[1-9]\d\d|\d{200}")
_MAY_BE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|[\]}]', re.DOTALL)


class JsonTextError(EmulatorError):
    """The text is no JSON; the message is serde's: what, line and column.

    Attributes:
        path: the names and positions that lead to the value the fault stands in.
    """

    def __init__(self, fault: SerdeFault) -> None:
        super().__init__(str(fault))
        self.path = fault.path


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _exported_number(text: str) -> ConvexInt64 | float:
    """What an integer literal stands for in ``export_json`` (crates/value/src/export.rs ``from_clean_lossless``)."""
    number = int(text)
    # serde_json reads `-0` as a Float64, and what no Int64 holds, too.
    return ConvexInt64(number) if -(2**63) <= number < 2**63 and text != "-0" else float(text)


# Made once: making one takes as long as reading a small text.
_EXPORT_DECODER = json.JSONDecoder(parse_int=_exported_number, parse_constant=_refuse_constant)
_DECODER = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _is_too_nested(text: str) -> bool:
    """Whether brackets outside of strings stand too deep; the strings are skipped by the regular expression."""
    if text.count("[") + text.count("{") <= NESTING_MAX:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[1]:
            depth += 1
            if depth > NESTING_MAX:
                return True
        elif found[0][0] != '"':
            depth -= 1
    return False


def _may_be_refused(text: str) -> bool:
    """Whether serde may refuse what Python's parser reads."""
    return bool(_MAY_OVERFLOW.search(text) or _MAY_BE_SURROGATE.search(text)) or _is_too_nested(text)


def parse_json(text: str) -> Any:
    """Parses JSON text; every number becomes a float.

    Raises:
        JsonTextError: with serde's wording.
    """
    return _parse(text, _DECODER)


def parse_v8_json(text: str) -> Any:
    """Parses JSON text that ``JSON.stringify`` of JavaScript wrote, as the deployment's parser does.

    None of its numbers is beyond the range of a Float64, so there is less to look at than in other texts.

    Raises:
        JsonTextError: with serde's wording.
    """
    if "\\ud" in text or _is_too_nested(text):
        return parse_json(text)
    return _DECODER.raw_decode(text)[0]


def parse_own_json(text: str) -> Any:
    """Parses JSON text that :func:`write_json` wrote; every number becomes a float, and no limit is looked at.

    Raises:
        ValueError: when it is no JSON.
    """
    return _DECODER.decode(text)


def parse_export_json(text: str) -> Any:
    """Parses JSON text in which an integer is an Int64, as ``npx convex export`` writes it.

    Raises:
        JsonTextError: with serde's wording.
    """
    return _parse(text, _EXPORT_DECODER)


def _parse(text: str, decoder: json.JSONDecoder) -> Any:
    if _may_be_refused(text):
        fault = find_fault(text)
        if fault is not None:
            raise JsonTextError(fault)
    try:
        return decoder.decode(text)
    except ValueError:
        fault = find_fault(text)
        assert fault is not None, "serde reads what Python's parser does not"
        raise JsonTextError(fault) from None


def parse_json_around(text: str, is_raw: IsRaw) -> tuple[Any, list[Path]]:
    """Parses JSON text some values of which may be anything that has the form of JSON.

    Args:
        text: the text.
        is_raw: says for a path whether its value is one of those.

    Returns:
        The value, and the paths of those inside of it that cannot be read; null stands in their places.

    Raises:
        JsonTextError: with serde's wording.
    """
    if not _may_be_refused(text):
        try:
            return _DECODER.decode(text), []
        except ValueError:
            pass
    try:
        places = ValuePlaces(text, is_raw)
    except SerdeFault as fault:
        raise JsonTextError(fault) from None
    # Arguments are read as a list, which one that is no list is put into (crates/udf/src/helpers.rs `UdfArgsJson`).
    unreadable = [
        path for path, raw in places.raw_values() if find_fault(raw if raw.startswith("[") else f"[{raw}]") is not None
    ]
    return _DECODER.decode(places.with_null_at(unreadable)), unreadable


def write_json(value: Any) -> str:
    """Compact JSON text of a JSON-compatible value.

    Raises:
        ValueError: for a number JSON cannot hold.
    """
    return _ENCODER.encode(value)

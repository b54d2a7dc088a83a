"""Functions that try out the validators of arguments and of returned values.

`convex/conformance/typed.ts` holds the same in TypeScript.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from convex_mastra_emulator import query, undefined
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.schema.validators import Field, Validator
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.javascript import stringify

_ACCEPTED: Mapping[str, Validator | Field] = {
    "takesString": v.string(),
    "takesNumber": v.float64(),
    "takesInt64": v.int64(),
    "takesBoolean": v.boolean(),
    "takesNull": v.null(),
    "takesBytes": v.bytes(),
    "takesId": v.id("conformance_things"),
    "takesArray": v.array(v.string()),
    "takesObject": v.object({"a": v.string(), "b": v.optional(v.float64())}),
    "takesRecord": v.record(v.string(), v.float64()),
    "takesUnion": v.union(v.string(), v.float64()),
    "takesLiteral": v.literal("yes"),
    "takesOptional": v.optional(v.string()),
    "takesAny": v.any(),
}
"""Of functions that take ``{value: …}`` and return the encoded JSON text of what arrived; "missing" for nothing."""

_RETURNED: Mapping[str, Validator] = {
    "returnsString": v.string(),
    "returnsNumber": v.float64(),
    "returnsNull": v.null(),
    "returnsObject": v.object({"a": v.string(), "b": v.optional(v.float64())}),
}
"""Of functions that take ``{value: any}`` and return it."""


def _arrived(ctx: Any, args: dict[str, Any]) -> str:
    return stringify(encode(args["value"])) if "value" in args else "missing"


def _all_arguments(ctx: Any, args: Any) -> str:
    return stringify(encode(args))


def _as_it_is(ctx: Any, args: dict[str, Any]) -> Any:
    return args["value"]


def _nothing(ctx: Any, args: dict[str, Any]) -> Any:
    return undefined


TYPED_FUNCTIONS: Final[Mapping[str, Function]] = {
    **{f"conformance/typed:{name}": query(_arrived, args={"value": kind}) for name, kind in _ACCEPTED.items()},
    "conformance/typed:takesNothing": query(_all_arguments, args={}),
    "conformance/typed:takesWhatever": query(_all_arguments),
    **{
        f"conformance/typed:{name}": query(_as_it_is, args={"value": v.any()}, returns=kind)
        for name, kind in _RETURNED.items()
    },
    "conformance/typed:returnsUndefined": query(_nothing, args={}),
}
"""All functions by path."""

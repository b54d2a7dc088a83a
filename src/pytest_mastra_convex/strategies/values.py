"""Strategies for Convex values, and for documents that match a validator.

Names of fields and texts stay short, so that no document comes near a size limit; nesting stays below the sixteen
levels of a document (convex-engine.md §0 and §1.5, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convex import ConvexInt64
from hypothesis import strategies as st

from convex_mastra_emulator.schema import TableDefinition
from convex_mastra_emulator.schema.validators import (
    AnyValidator,
    ArrayValidator,
    BooleanValidator,
    BytesValidator,
    CommitTimestampValidator,
    Field,
    Float64Validator,
    IdValidator,
    Int64Validator,
    LiteralValidator,
    NullValidator,
    ObjectValidator,
    RecordValidator,
    StringValidator,
    UnionValidator,
    Validator,
)
from convex_mastra_emulator.values import undefined as missing
from convex_mastra_emulator.values.types import Value

IdsOf = Callable[[str], st.SearchStrategy[Any]]
"""What to draw for ``v.id(table)``; ``st.nothing()`` for a table of which no id is known."""

_ITEMS_MAX = 4
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1

_int64s = st.integers(_INT64_MIN, _INT64_MAX).map(ConvexInt64)
# JavaScript knows one NaN; which bits it has is not for a test to say.
_floats = st.one_of(
    st.floats().map(lambda number: math.nan if math.isnan(number) else number),
    # Rare in the above, and what databases get wrong.
    st.sampled_from((-0.0, math.nan, math.inf, -math.inf)),
)
_texts = st.text(max_size=20)
_leaves: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.booleans(), _floats, _texts, _int64s, st.binary(max_size=20)
)


def field_names(*, reserved: bool = True) -> st.SearchStrategy[str]:
    """Names of fields: printable ASCII that does not begin with ``$``.

    Args:
        reserved: whether they may be empty or begin with ``_``, as names at the top of a document and keys of a
            record may not.
    """
    names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=0 if reserved else 1, max_size=8)
    return names.filter(lambda name: not name.startswith("$" if reserved else ("$", "_")))


def convex_values(*, nesting_max: int = 4, undefined: bool = False) -> st.SearchStrategy[Value]:
    """Every kind of Convex value.

    Args:
        nesting_max: how many lists and objects may stand inside each other.
        undefined: whether the value, and fields of objects in it, may be ``undefined`` too; lists hold none.

    Raises:
        ValueError: for a negative ``nesting_max``.
    """
    if nesting_max < 0:
        raise ValueError(f"nesting_max must not be negative, got {nesting_max}")
    nothing = st.just(missing) if undefined else st.nothing()
    values = _leaves
    for _ in range(nesting_max):
        items = st.lists(values, max_size=_ITEMS_MAX)
        fields = st.dictionaries(field_names(), values | nothing, max_size=_ITEMS_MAX)
        values = st.one_of(_leaves, items, fields)
    return values | nothing


def documents(
    validator: Validator | TableDefinition,
    *,
    ids: Mapping[str, Sequence[str]] | None = None,
    nesting_max: int = 4,
) -> st.SearchStrategy[Any]:
    """Values that match a validator, or documents of a table without their system fields.

    Args:
        validator: such as ``v.object({"a": v.string()})``, or what ``define_table`` gives.
        ids: the ids ``v.id(table)`` may be, by table; fields that may be missing are, where there are none.
        nesting_max: how many lists and objects may stand inside each other where the validator is ``v.any()``.

    Raises:
        ValueError: if nothing matches, for lack of ids or because a union is empty.
    """
    known = {table: st.sampled_from(list(each)) for table, each in (ids or {}).items() if each}

    def ids_of(table: str) -> st.SearchStrategy[str]:
        return known.get(table, st.nothing())

    if isinstance(validator, TableDefinition):
        shape: Validator = validator.stored_type
        strategy = documents_of(shape, ids_of, nesting_max)
    else:
        shape = validator
        strategy = matching(shape, ids_of, nesting_max)
    if strategy.is_empty:
        given = ", ".join(known) or "none"
        raise ValueError(f"nothing matches {shape}; ids are given of the tables: {given}")
    return strategy


def documents_of(validator: Validator, ids_of: IdsOf, nesting_max: int = 4) -> st.SearchStrategy[Any]:
    """Documents of a table: as :func:`matching`, but ``v.any()`` stands for objects that may be stored."""
    if isinstance(validator, AnyValidator):
        values = convex_values(nesting_max=nesting_max)
        return st.dictionaries(field_names(reserved=False), values, max_size=_ITEMS_MAX)
    return matching(validator, ids_of, nesting_max)


def matching(validator: Validator, ids_of: IdsOf, nesting_max: int = 4) -> st.SearchStrategy[Any]:
    """Values that a validator accepts; empty if there are none without an id that is not known."""
    if type(validator) in _LEAVES:
        return _LEAVES[type(validator)]
    match validator:
        case AnyValidator():
            return convex_values(nesting_max=nesting_max)
        case IdValidator():
            return ids_of(validator.table)
        case LiteralValidator():
            return st.just(validator.literal)
        case ArrayValidator():
            elements = matching(validator.element, ids_of, nesting_max)
            return st.lists(elements, max_size=0 if elements.is_empty else _ITEMS_MAX)
        case RecordValidator():
            return _records(validator, ids_of, nesting_max)
        case ObjectValidator():
            return objects_of(validator.fields, ids_of, nesting_max)
        case UnionValidator():
            return st.one_of([matching(member, ids_of, nesting_max) for member in validator.members])
    raise TypeError(f"{validator!r} is no validator")


def objects_of(fields: Mapping[str, Field], ids_of: IdsOf, nesting_max: int = 4) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields, the optional ones sometimes missing."""
    each = {name: matching(field.validator, ids_of, nesting_max) for name, field in fields.items()}
    return st.fixed_dictionaries(
        {name: each[name] for name, field in fields.items() if not field.optional},
        optional={name: each[name] for name, field in fields.items() if field.optional},
    )


def _records(validator: RecordValidator, ids_of: IdsOf, nesting_max: int) -> st.SearchStrategy[dict[str, Any]]:
    keys = _record_keys(validator.keys, ids_of)
    values = matching(validator.values, ids_of, nesting_max)
    return st.dictionaries(keys, values, max_size=0 if keys.is_empty or values.is_empty else _ITEMS_MAX)


def _record_keys(validator: Validator, ids_of: IdsOf) -> st.SearchStrategy[str]:
    """Keys are texts that may name a field."""
    if isinstance(validator, UnionValidator):
        return st.one_of([_record_keys(member, ids_of) for member in validator.members])
    return field_names(reserved=False) if isinstance(validator, StringValidator) else matching(validator, ids_of)


_LEAVES: Mapping[type[Validator], st.SearchStrategy[Any]] = {
    NullValidator: st.none(),
    BooleanValidator: st.booleans(),
    Float64Validator: _floats,
    Int64Validator: _int64s,
    CommitTimestampValidator: st.integers(0, _INT64_MAX).map(ConvexInt64),
    StringValidator: _texts,
    BytesValidator: st.binary(max_size=20),
}

"""Strategy for database programs: the steps that the conformance probe plays on any deployment.

A step is JSON, its values are in encoded form.  Documents match their tables, ids are ``{"$ref": n}``, the answer of
step n, and what ranges and filters compare with is often what a document holds.  A step may still fail, for example
because it changes a document that an earlier one deleted; its answer is then the error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hypothesis import strategies as st

from convex_mastra_emulator.schema import Schema, TableDefinition
from convex_mastra_emulator.schema.definition import fields_at
from convex_mastra_emulator.schema.validators import AnyValidator, Field, ObjectValidator, UnionValidator, Validator
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.names import parse_field_path
from pytest_mastra_convex.strategies.values import documents_of, matching

Step: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]

COMPARISONS = ("eq", "neq", "lt", "lte", "gt", "gte")
"""The comparisons of filters; convex-test orders values in its own way (divergence ``filter-comparison``)."""

_UNDEFINED: Mapping[str, None] = {"$undefined": None}
_NESTING_MAX = 2
# One number too large or too small on either side of what a program inserts.
_COUNTS = st.integers(0, 5)
_PAGE_SIZES = st.integers(1, 5)


@dataclass(frozen=True, slots=True)
class _Reference:
    """An id of a table: that of the inserted document this number falls on."""

    table: str
    turn: int


def programs(
    schema: Schema,
    *,
    tables: Sequence[str] | None = None,
    steps_max: int = 12,
    comparisons: Sequence[str] = COMPARISONS,
) -> st.SearchStrategy[list[Step]]:
    """Programs of one mutation: inserts, changes and queries with ranges, filters, an order and an end.

    At most one query of a program is paginated, as a function may do it only once.

    Args:
        schema: whose tables and indexes.
        tables: which of them; all if None.
        steps_max: how many steps at most.
        comparisons: which of :data:`COMPARISONS` filters use.

    Raises:
        ValueError: for tables the schema does not have, for none at all, for unknown comparisons, and for
            ``steps_max`` below 1.
    """
    unknown = [name for name in tables or () if name not in schema.tables]
    if unknown:
        raise ValueError(f"the schema has no {', '.join(unknown)}; known are {', '.join(schema.tables)}")
    if not comparisons or not set(comparisons) <= set(COMPARISONS):
        raise ValueError(f"comparisons must be some of {', '.join(COMPARISONS)}, got {list(comparisons)}")
    if steps_max < 1:
        raise ValueError(f"steps_max must be at least 1, got {steps_max}")
    chosen = {name: _Table(name, schema.tables[name]) for name in (schema.tables if tables is None else tables)}
    if not chosen:
        raise ValueError("programs need at least one table")
    return _programs(chosen, steps_max, tuple(comparisons))


class _Table:
    """What is drawn for one table, made once: strategies of whole documents are slow to build."""

    def __init__(self, name: str, definition: TableDefinition) -> None:
        self.name = name
        self.document_type = _with_indexed_fields(definition)
        self.indexes = {
            index.name: tuple(map(parse_field_path, index.fields)) for index in definition.indexes if not index.staged
        }
        indexed = [path for paths in self.indexes.values() for path in paths]
        self.paths = list(dict.fromkeys([*indexed, *_paths_of(self.document_type)])) or [("_creationTime",)]
        self._strategies: dict[Any, st.SearchStrategy[Any]] = {}

    def documents(self, filled: frozenset[str]) -> st.SearchStrategy[Any]:
        """Documents; those whose ids are needed are in the tables ``filled``."""
        return self._made(
            ("document", filled), lambda: documents_of(self.document_type, _references(filled), _NESTING_MAX)
        )

    def changes(self, filled: frozenset[str]) -> st.SearchStrategy[dict[str, Any]] | None:
        """What a document may be patched with; None where that depends on the document."""
        if not isinstance(self.document_type, ObjectValidator):
            return None
        fields = self.document_type.fields
        return self._made(
            ("changes", filled),
            lambda: st.fixed_dictionaries(
                {}, optional={name: _field_values(member, filled) for name, member in fields.items()}
            ),
        )

    def values_at(self, path: Path, filled: frozenset[str]) -> st.SearchStrategy[Any]:
        """What a field at a path may hold."""
        members = list(fields_at(self.document_type, path))
        return self._made(
            (path, filled), lambda: st.one_of([_field_values(member, filled) for member in members] or [st.none()])
        )

    def _made(self, key: Any, make: Any) -> st.SearchStrategy[Any]:
        if key not in self._strategies:
            self._strategies[key] = make()
        return self._strategies[key]


def _with_indexed_fields(definition: TableDefinition) -> Validator:
    """The document type; where that is ``v.any()``, any document, but with the fields that indexes look at."""
    if not isinstance(definition.stored_type, AnyValidator):
        return definition.stored_type
    fields: dict[str, Field] = {}
    for path in sorted({parse_field_path(path) for index in definition.indexes for path in index.fields}):
        fields[path[0]] = Field(_any_with(path[1:]), optional=True)
    return ObjectValidator(fields) if fields else definition.stored_type


def _any_with(path: Path) -> Validator:
    if not path:
        return AnyValidator()
    inner = ObjectValidator({path[0]: Field(_any_with(path[1:]), optional=True)})
    return UnionValidator((inner, AnyValidator()))


def _paths_of(validator: Validator) -> Iterable[Path]:
    """The fields of a document, and those one level down."""
    if isinstance(validator, UnionValidator):
        for alternative in validator.members:
            yield from _paths_of(alternative)
    elif isinstance(validator, ObjectValidator):
        for name, member in validator.fields.items():
            yield (name,)
            if isinstance(member.validator, ObjectValidator):
                yield from ((name, inner) for inner in member.validator.fields)


def _references(filled: frozenset[str]) -> Any:
    def ids_of(table: str) -> st.SearchStrategy[Any]:
        return st.integers(0, 7).map(lambda turn: _Reference(table, turn)) if table in filled else st.nothing()

    return ids_of


def _field_values(member: Field, filled: frozenset[str]) -> st.SearchStrategy[Any]:
    values = matching(member.validator, _references(filled), _NESTING_MAX)
    return values | st.just(_UNDEFINED) if member.optional else values


@dataclass(slots=True)
class _Written:
    """A program so far."""

    steps: list[Step] = field(default_factory=list)
    inserted: dict[str, list[int]] = field(default_factory=dict)
    is_paginated: bool = False

    @property
    def filled(self) -> frozenset[str]:
        return frozenset(self.inserted)

    def encoded(self, value: Any) -> Any:
        """A drawn value in encoded form."""
        if isinstance(value, _Reference):
            numbers = self.inserted[value.table]
            return {"$ref": numbers[value.turn % len(numbers)]}
        if value is _UNDEFINED:
            return dict(_UNDEFINED)
        if isinstance(value, dict):
            return {name: self.encoded(item) for name, item in value.items()}
        return [self.encoded(item) for item in value] if isinstance(value, list) else encode(value)

    def stored_at(self, table: str, path: Path) -> list[Any]:
        """What inserted documents have at a path, in encoded form."""
        return [_at(self.steps[number]["value"], path) for number in self.inserted.get(table, ())]


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name, dict(_UNDEFINED)) if isinstance(value, dict) else dict(_UNDEFINED)
    return value


@st.composite
def _programs(
    draw: st.DrawFn, tables: Mapping[str, _Table], steps_max: int, comparisons: tuple[str, ...]
) -> list[Step]:
    written = _Written()
    for _ in range(draw(st.integers(1, steps_max))):
        step = draw(_steps(tables, comparisons, written))
        if step["op"] == "insert":
            written.inserted.setdefault(step["table"], []).append(len(written.steps))
        written.is_paginated = written.is_paginated or "paginate" in step
        written.steps.append(step)
    return written.steps


@st.composite
def _steps(draw: st.DrawFn, tables: Mapping[str, _Table], comparisons: tuple[str, ...], written: _Written) -> Step:
    filled = written.filled
    writable = [table for table in tables.values() if not table.documents(filled).is_empty]
    kinds = ["query"]
    if writable and not written.inserted:
        # The first steps mostly give the others something to find.
        kinds = ["insert", "query", "insert", "insert"]
    elif written.inserted:
        # An operation keeps its place, so that a step stays what it is when those before it are shrunk away.
        kinds = ["insert", "query", "query", "patch", "replace", "delete", "get", "insert"]
    kind = draw(st.sampled_from(kinds))
    if kind == "query":
        return draw(_queries(draw(st.sampled_from(list(tables.values()))), comparisons, written))
    if kind == "insert":
        table = draw(st.sampled_from(writable))
        return {"op": kind, "table": table.name, "value": written.encoded(draw(table.documents(filled)))}
    return draw(_changes(kind, tables[draw(st.sampled_from(sorted(written.inserted)))], written))


@st.composite
def _changes(draw: st.DrawFn, kind: str, table: _Table, written: _Written) -> Step:
    """A step on a document that was inserted, and may be gone."""
    target = {"$ref": draw(st.sampled_from(written.inserted[table.name]))}
    changes = table.changes(written.filled)
    if kind == "patch" and changes is not None:
        return {"op": "patch", "id": target, "value": written.encoded(draw(changes))}
    if kind in ("patch", "replace"):
        return {"op": "replace", "id": target, "value": written.encoded(draw(table.documents(written.filled)))}
    return {"op": kind, "id": target}


@st.composite
def _queries(draw: st.DrawFn, table: _Table, comparisons: tuple[str, ...], written: _Written) -> Step:
    query: Step = {"op": "query", "table": table.name}
    index = draw(st.sampled_from([None, *table.indexes]))
    if index is not None:
        query |= {"index": index, "range": draw(_ranges(table, index, written))}
    order = draw(st.sampled_from((None, "asc", "desc")))
    if order is not None:
        query["order"] = order
    if draw(st.booleans()):
        query["filter"] = draw(_filters(table, comparisons, written))
    return {**query, **draw(_endings(written))}


def _endings(written: _Written) -> st.SearchStrategy[Step]:
    flags: list[Step] = [{}, {"count": True}, {"first": True}, {"unique": True}]
    endings: list[st.SearchStrategy[Step]] = [st.sampled_from(flags), _COUNTS.map(lambda count: {"take": count})]
    if not written.is_paginated:
        endings.append(_PAGE_SIZES.map(lambda size: {"paginate": {"cursor": None, "numItems": size}}))
    return st.one_of(endings)


@st.composite
def _ranges(draw: st.DrawFn, table: _Table, index: str, written: _Written) -> list[Step]:
    """Equalities on the first fields of an index, then at most one bound on each side of the next one."""
    paths = table.indexes[index]
    count = draw(st.integers(0, len(paths)))
    bounds = [_bound("eq", path, draw(_compared(table, path, written))) for path in paths[:count]]
    if count < len(paths):
        for operations in (("gt", "gte"), ("lt", "lte")):
            op = draw(st.sampled_from((None, *operations)))
            if op is not None:
                bounds.append(_bound(op, paths[count], draw(_compared(table, paths[count], written))))
    return bounds


def _bound(op: str, path: Path, value: Any) -> Step:
    return {"op": op, "field": ".".join(path), "value": value}


@st.composite
def _compared(draw: st.DrawFn, table: _Table, path: Path, written: _Written) -> Any:
    """What a field is compared with: what some document has there, or what one might have."""
    stored = written.stored_at(table.name, path)
    values = table.values_at(path, written.filled)
    if stored and (values.is_empty or draw(st.booleans())):
        return draw(st.sampled_from(stored))
    return None if values.is_empty else written.encoded(draw(values))


@st.composite
def _filters(draw: st.DrawFn, table: _Table, comparisons: tuple[str, ...], written: _Written) -> Step:
    """A comparison of a field, or a few of them joined."""

    def comparison() -> Step:
        path = draw(st.sampled_from(table.paths))
        op = draw(st.sampled_from(comparisons))
        return {
            "op": op,
            "left": {"field": ".".join(path)},
            "right": {"value": draw(_compared(table, path, written))},
        }

    joined = draw(st.sampled_from((None, "not", "and", "or")))
    if joined is None:
        return comparison()
    if joined == "not":
        return {"op": "not", "arg": comparison()}
    return {"op": joined, "args": [comparison() for _ in range(draw(st.integers(0, 3)))]}

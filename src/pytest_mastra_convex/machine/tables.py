"""What is drawn for one table: documents, changes, and what indexes and filters compare with.

Values come from a few of each kind, so that what one program wrote is found, changed and confused with its neighbours
by a later one.  All of them are in encoded form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from convex_mastra_emulator.schema import TableDefinition
from convex_mastra_emulator.schema.definition import VectorIndexDefinition, fields_at
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
from convex_mastra_emulator.values.codec import encode

UNDEFINED: Mapping[str, None] = {"$undefined": None}
"""In a program: a field that is missing."""

_ITEMS_MAX = 2
# As many as a machine may have made of one table before the first ones come up again.
_TURNS = range(16)

_NEGATIVE_ZERO = {"$float": "AAAAAAAAAIA="}
_NOT_A_NUMBER = {"$float": "AAAAAAAA+H8="}
_INFINITY = {"$float": "AAAAAAAA8H8="}
_INT64_ONE = {"$integer": "AQAAAAAAAAA="}
_INT64_MINUS_ONE = {"$integer": "//////////8="}
_BYTES = ({"$bytes": ""}, {"$bytes": "AQI="})
_NUMBERS = (0.0, 1.0, 2.0, -1.5, _NEGATIVE_ZERO, _NOT_A_NUMBER, _INFINITY)
# U+1F600 sorts above U+FFFD by UTF-8 bytes and below it by UTF-16 units.
_TEXTS = ("a", "b", "", "ab", "\ufffd", "😀")
_KEYS = ("a", "b", "10", "9")
# One of each kind and its neighbours in the order of all values.
_MIXED: tuple[Any, ...] = (
    *_TEXTS,
    *_NUMBERS,
    None,
    True,
    False,
    _INT64_ONE,
    _INT64_MINUS_ONE,
    *_BYTES,
    [],
    [None],
    [1.0],
    [1.0, None],
    {},
    {"a": 1.0},
    {"b": None},
)
_LEAVES: Mapping[type[Validator], tuple[Any, ...]] = {
    AnyValidator: _MIXED,
    NullValidator: (None,),
    BooleanValidator: (False, True),
    Float64Validator: _NUMBERS,
    Int64Validator: (_INT64_ONE, _INT64_MINUS_ONE),
    CommitTimestampValidator: (_INT64_ONE,),
    StringValidator: _TEXTS,
    BytesValidator: _BYTES,
}


def known(table: str) -> st.SearchStrategy[dict[str, Any]]:
    """The id of a document that an earlier program stored, and one may have deleted."""
    return st.sampled_from([{"$known": [table, turn]} for turn in _TURNS])


def creation_times(table: str) -> st.SearchStrategy[dict[str, Any]]:
    """When a document that an earlier program stored was made."""
    return st.sampled_from([{"$created": [table, turn]} for turn in _TURNS])


def few(validator: Validator) -> st.SearchStrategy[Any]:
    """Some values that a validator accepts."""
    if type(validator) in _LEAVES:
        return st.sampled_from(_LEAVES[type(validator)])
    match validator:
        case IdValidator():
            return known(validator.table)
        case LiteralValidator():
            return st.just(encode(validator.literal))
        case ArrayValidator():
            return st.lists(few(validator.element), max_size=_ITEMS_MAX)
        case RecordValidator():
            return st.dictionaries(st.sampled_from(_KEYS), few(validator.values), max_size=_ITEMS_MAX)
        case ObjectValidator():
            return _objects({name: (few(field.validator), field.optional) for name, field in validator.fields.items()})
        case UnionValidator():
            return st.one_of([few(member) for member in validator.members])
    raise TypeError(f"{validator!r} is no validator")


def _may_hold_ids(validator: Validator) -> bool:
    """Whether :func:`few` may give values with ids in them."""
    match validator:
        case IdValidator():
            return True
        case ArrayValidator():
            return _may_hold_ids(validator.element)
        case RecordValidator():
            return _may_hold_ids(validator.values)
        case ObjectValidator():
            return any(_may_hold_ids(field.validator) for field in validator.fields.values())
        case UnionValidator():
            return any(map(_may_hold_ids, validator.members))
    return False


def _objects(fields: Mapping[str, tuple[st.SearchStrategy[Any], bool]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of these fields; of each is said whether it may be missing."""
    return st.fixed_dictionaries(
        {name: values for name, (values, optional) in fields.items() if not optional},
        optional={name: values for name, (values, optional) in fields.items() if optional},
    )


def vectors(dimensions: int) -> st.SearchStrategy[list[float]]:
    """Vectors of that many numbers, many of them equally near to each other."""
    return st.lists(st.sampled_from((0.0, 1.0, 2.0, -1.0, 0.5)), min_size=dimensions, max_size=dimensions)


class Table:
    """One table of the schema, with the strategies for it.

    Args:
        name: the table's name.
        definition: its definition.
        other_vectors: whether a vector may have another length than its index has, or be missing.

    Attributes:
        name: the table's name.
        indexes: the paths of their fields, by the indexes' names; that of creation times among them.
        any_index: one of their names.
        paths: the fields that filters look at.
        any_path: one of them.
        ids: those of them that may hold ids, whose order is each deployment's own.
        searches: the vector indexes.
        documents: whole documents.
        changes: what a document may be patched with; None where that depends on the document.
    """

    def __init__(self, name: str, definition: TableDefinition, *, other_vectors: bool) -> None:
        self.name = name
        self.indexes = {index.name: index.fields for index in definition.indexes if not index.staged}
        # Every table has it (convex-engine.md §4.1).
        self.indexes["by_creation_time"] = ()
        self.searches = tuple(
            index for index in definition.vector_indexes if not index.staged and "." not in index.vector_field
        )
        self._other_vectors = other_vectors
        self._type = _with_indexed_fields(definition)
        fields = self._type.fields if isinstance(self._type, ObjectValidator) else {}
        indexed = [path for paths in self.indexes.values() for path in paths]
        indexed += [path for index in self.searches for path in index.filter_fields]
        self.paths = tuple(dict.fromkeys([*indexed, *fields, "_creationTime"]))
        self.ids = frozenset(
            path
            for path in self.paths
            if any(_may_hold_ids(field.validator) for field in fields_at(self._type, tuple(path.split("."))))
        )
        self.any_index = st.sampled_from(list(self.indexes))
        self.any_path = st.sampled_from(self.paths)
        self._values = {path: self._values_at(path) for path in self.paths}
        missing = st.just(dict(UNDEFINED))
        self._compared = {path: st.one_of([values] * 6 + [missing]) for path, values in self._values.items()}
        self._compared["_creationTime"] = self._values["_creationTime"]
        vector_fields = {index.vector_field for index in self.searches if not other_vectors}
        each = {
            name: (self._values[name], field.optional and name not in vector_fields) for name, field in fields.items()
        }
        self.documents = _objects(each) if fields else few(self._type)
        self.changes = _changes(each) if fields else None

    def stored(self, path: str) -> st.SearchStrategy[Any]:
        """What a field may hold."""
        return self._values[path]

    def compared(self, path: str) -> st.SearchStrategy[Any]:
        """What a field is compared with; now and then it must be missing."""
        return self._compared[path]

    def _values_at(self, path: str) -> st.SearchStrategy[Any]:
        for index in self.searches:
            if index.vector_field == path:
                return self._vectors_of(index)
        if path == "_creationTime":
            return creation_times(self.name)
        members = fields_at(self._type, tuple(path.split(".")))
        return st.one_of([few(member.validator) for member in members] or [st.none()])

    def _vectors_of(self, index: VectorIndexDefinition) -> st.SearchStrategy[list[float]]:
        usual = vectors(index.dimensions)
        return st.one_of(usual, usual, vectors(index.dimensions + 1)) if self._other_vectors else usual


def _changes(each: Mapping[str, tuple[st.SearchStrategy[Any], bool]]) -> st.SearchStrategy[dict[str, Any]]:
    missing = st.just(dict(UNDEFINED))
    return st.fixed_dictionaries(
        {}, optional={name: values | missing if optional else values for name, (values, optional) in each.items()}
    )


def _with_indexed_fields(definition: TableDefinition) -> Validator:
    """The document type; where that is ``v.any()``, an object of what indexes look at and one more field."""
    if not isinstance(definition.stored_type, AnyValidator):
        return definition.stored_type
    fields = {"other": Field(AnyValidator(), optional=True)}
    for path in _paths_of_indexes(definition):
        first, *rest = path.split(".")
        fields[first] = Field(_any_with(rest), optional=True)
    return ObjectValidator(fields)


def _paths_of_indexes(definition: TableDefinition) -> Iterable[str]:
    for index in definition.indexes:
        yield from index.fields
    for search in definition.vector_indexes:
        yield from (search.vector_field, *search.filter_fields)


def _any_with(path: list[str]) -> Validator:
    """Any value, often one that has a field at the path."""
    if not path:
        return AnyValidator()
    return UnionValidator((ObjectValidator({path[0]: Field(_any_with(path[1:]), optional=True)}), AnyValidator()))

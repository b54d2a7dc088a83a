"""Tables and their indexes, as a schema names them.

convex-js src/server/schema.ts (convex-engine.md §4.1 and §7.1, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from convex_mastra_emulator.schema.validators import AnyValidator, Field, ObjectValidator, UnionValidator, Validator


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """A database index; ``_creationTime`` is appended to its fields by the deployment."""

    name: str
    fields: tuple[str, ...]
    staged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndexDefinition:
    """A vector index over ``vector_field``; searches may filter by ``filter_fields`` only."""

    name: str
    vector_field: str
    dimensions: int
    filter_fields: tuple[str, ...] = ()
    staged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextIndexDefinition:
    """A text search index over ``search_field``."""

    name: str
    search_field: str
    filter_fields: tuple[str, ...] = ()
    staged: bool = False


@dataclass(frozen=True)
class TableDefinition:
    """One table: what its documents look like and how they are indexed."""

    document_type: Validator = field(default_factory=AnyValidator)
    indexes: tuple[IndexDefinition, ...] = ()
    vector_indexes: tuple[VectorIndexDefinition, ...] = ()
    text_indexes: tuple[TextIndexDefinition, ...] = ()

    def index(self, name: str, fields: Iterable[str], *, staged: bool = False) -> TableDefinition:
        """The same table with one more database index."""
        return replace(self, indexes=(*self.indexes, IndexDefinition(name, tuple(fields), staged)))

    def vector_index(
        self,
        name: str,
        *,
        vector_field: str,
        dimensions: int,
        filter_fields: Sequence[str] = (),
        staged: bool = False,
    ) -> TableDefinition:
        """The same table with one more vector index."""
        definition = VectorIndexDefinition(
            name=name,
            vector_field=vector_field,
            dimensions=dimensions,
            filter_fields=tuple(filter_fields),
            staged=staged,
        )
        return replace(self, vector_indexes=(*self.vector_indexes, definition))

    def search_index(
        self, name: str, *, search_field: str, filter_fields: Sequence[str] = (), staged: bool = False
    ) -> TableDefinition:
        """The same table with one more text search index."""
        definition = TextIndexDefinition(
            name=name, search_field=search_field, filter_fields=tuple(filter_fields), staged=staged
        )
        return replace(self, text_indexes=(*self.text_indexes, definition))

    @property
    def stored_type(self) -> Validator:
        """The validator writes are held against: top-level ``_…`` fields are dropped from it (§7.1)."""
        return _without_system_fields(self.document_type)


def _without_system_fields(validator: Validator) -> Validator:
    if isinstance(validator, UnionValidator):
        return UnionValidator(tuple(map(_without_system_fields, validator.members)))
    if isinstance(validator, ObjectValidator):
        return ObjectValidator({name: item for name, item in validator.fields.items() if not name.startswith("_")})
    return validator


def field_may_exist(validator: Validator, path: tuple[str, ...]) -> bool:
    """Whether some value that matches ``validator`` has a field at ``path``."""
    return any(True for _ in fields_at(validator, path))


def fields_at(validator: Validator, path: tuple[str, ...]) -> Iterable[Field]:
    """The validators a field at ``path`` may be held against."""
    if not path or isinstance(validator, AnyValidator):
        yield Field(validator)
    elif isinstance(validator, UnionValidator):
        for member in validator.members:
            yield from fields_at(member, path)
    elif isinstance(validator, ObjectValidator) and path[0] in validator.fields:
        member_field = validator.fields[path[0]]
        if len(path) == 1:
            yield member_field
        else:
            yield from fields_at(member_field.validator, path[1:])

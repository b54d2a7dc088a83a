"""What a deployment refuses in a schema, when it is pushed.

convex-backend crates/common/src/schemas/mod.rs and json.rs, crates/common/src/bootstrap_model/index/**
(convex-engine.md §4.1 and §7.1, checked 2026-11-21).  Every text is wrapped as the push wraps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from convex_mastra_emulator.errors import InvalidValue, SchemaDefinitionError
from convex_mastra_emulator.schema.definition import (
    IndexDefinition,
    TableDefinition,
    TextIndexDefinition,
    VectorIndexDefinition,
    field_may_exist,
    fields_at,
)
from convex_mastra_emulator.schema.validators import (
    AnyValidator,
    ArrayValidator,
    Float64Validator,
    ObjectValidator,
    UnionValidator,
    Validator,
)
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.names import parse_field_path

INDEXES_PER_TABLE_MAX = 64
FIELDS_PER_INDEX_MAX = 16  # with the appended _creationTime, so 15 written ones
FILTER_FIELDS_MAX = 16
TABLES_MAX = 10_000
DIMENSIONS_MIN, DIMENSIONS_MAX = 2, 4096

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_BUILT_IN_INDEXES = ("by_id", "by_creation_time")


def _refuse(text: str, code: str) -> SchemaDefinitionError:
    return SchemaDefinitionError(f"Hit an error while evaluating your schema:\n{text}", code=code)


def check_tables(tables: Mapping[str, TableDefinition], *, references_checked: bool) -> None:
    """Holds every table and index against the rules.

    Args:
        tables: the schema's tables by name.
        references_checked: whether indexes may only name fields that a document can have.

    Raises:
        SchemaDefinitionError: at the first rule that is broken.
    """
    if len(tables) > TABLES_MAX:
        raise _refuse(f"Number of tables cannot exceed {TABLES_MAX}.", "TooManyTables")
    for name, table in tables.items():
        _check_table_name(name)
        _check_document_type(table.document_type)
        for index in table.indexes:
            _check_index(name, index)
        for text_index in table.text_indexes:
            _check_search_index(name, text_index)
        for vector_index in table.vector_indexes:
            _check_vector_index(name, vector_index)
        _check_uniqueness(name, table)
        if references_checked:
            _check_references(name, table)


def _check_table_name(name: str) -> None:
    if name.startswith("_"):
        raise _refuse(f"{name} is a reserved table name.", "TableNameReserved")
    if not _NAME.match(name):
        raise _refuse(
            f'Invalid table name: "{name}". '
            "Identifiers must start with a letter and can only contain letters, digits, and underscores.",
            "InvalidTableName",
        )


def _check_document_type(validator: Validator) -> None:
    members = validator.members if isinstance(validator, UnionValidator) else (validator,)
    for member in members:
        if not isinstance(member, (ObjectValidator, AnyValidator)) or (
            isinstance(member, AnyValidator) and member is not validator
        ):
            raise _refuse(
                "The document validator in a schema must be an object, a union of objects, or `v.any()`. "
                f"Found {member}. To learn more, see the schema documentation at "
                "https://docs.convex.dev/database/schemas.",
                "InvalidTopLevelTypeInSchemaError",
            )


def _check_index_name(table: str, name: str) -> None:
    reserved = name.startswith("_") and not name.startswith("_fivetran")
    if reserved or name in _BUILT_IN_INDEXES:
        raise _refuse(
            f'In table "{table}" cannot name an index "{name}" because the name is reserved. '
            'Indexes may not start with an underscore or be named "by_id" or "by_creation_time".',
            "IndexNameReserved",
        )
    if not _NAME.match(name.lstrip("_")) or len(name) > 64:
        raise _refuse(
            f'In table "{table}": Invalid index name: "{name}". Identifiers must be 64 characters or less, '
            "start with a letter, and only contain letters, digits, underscores.",
            "InvalidIndexName",
        )


def _check_path(table: str, index: str, path: str) -> tuple[str, ...]:
    try:
        return parse_field_path(path)
    except InvalidValue:
        text = f'In table "{table}": In index "{index}": Invalid index field: "{path}"'
        raise _refuse(text, "InvalidIndexField") from None


def _check_index(table: str, index: IndexDefinition) -> None:
    _check_index_name(table, index.name)
    if not index.fields:
        kind = "staged index" if index.staged else "index"
        raise _refuse(f'In table "{table}" {kind} "{index.name}" must have at least one field.', "EmptyIndex")
    where = f'In table "{table}": In index "{index.name}": '
    paths = [_check_path(table, index.name, path) for path in index.fields]
    _check_index_fields(where, paths)


def _check_index_fields(where: str, paths: Sequence[tuple[str, ...]]) -> None:
    if ("_id",) in paths:
        raise _refuse(
            f"{where}`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.",
            "IndexFieldsContainId",
        )
    for position, path in enumerate(paths):
        if path in paths[:position]:
            raise _refuse(
                f"{where}Duplicate field {quoted('.'.join(path))}. Index fields must be unique within an index.",
                "FieldsNotUniqueWithinIndex",
            )
    if len(paths) > FIELDS_PER_INDEX_MAX:
        raise _refuse(f"{where}Indexes may have up to {FIELDS_PER_INDEX_MAX} fields.", "IndexTooManyFields")
    if ("_creationTime",) in paths:
        raise _refuse(
            "`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the "
            "index definition. See https://docs.convex.dev/using/indexes for more details.",
            "IndexFieldsContainCreationTime",
        )
    if any(part.startswith("_") for path in paths for part in path):
        raise _refuse("Reserved fields (starting with `_`) are not allowed in indexes.", "IndexFieldNameReserved")
    if len(paths) == FIELDS_PER_INDEX_MAX:
        raise _refuse(f"Indexes may have up to {FIELDS_PER_INDEX_MAX} fields.", "IndexTooManyFields")


def _check_filter_fields(table: str, index: TextIndexDefinition | VectorIndexDefinition) -> None:
    for path in index.filter_fields:
        _check_path(table, index.name, path)
    if len(index.filter_fields) > FILTER_FIELDS_MAX:
        raise _refuse(
            f'In table "{table}": Search indexes may have up to {FILTER_FIELDS_MAX} filter fields.',
            "IndexTooManyFilterFields",
        )


def _check_search_index(table: str, index: TextIndexDefinition) -> None:
    _check_index_name(table, index.name)
    _check_path(table, index.name, index.search_field)
    _check_filter_fields(table, index)


def _check_vector_index(table: str, index: VectorIndexDefinition) -> None:
    _check_index_name(table, index.name)
    _check_path(table, index.name, index.vector_field)
    _check_filter_fields(table, index)
    whole = float(index.dimensions).is_integer() if isinstance(index.dimensions, (int, float)) else False
    if not whole or not DIMENSIONS_MIN <= index.dimensions <= DIMENSIONS_MAX:
        raise _refuse(
            f'In table "{table}": Dimensions {index.dimensions} must be between {DIMENSIONS_MIN} and {DIMENSIONS_MAX}.',
            "InvalidVectorDimensionError",
        )


def _check_uniqueness(name: str, table: TableDefinition) -> None:
    names = [
        *(index.name for index in table.indexes),
        *(index.name for index in table.text_indexes),
        *(index.name for index in table.vector_indexes),
    ]
    for position, index_name in enumerate(names):
        if index_name in names[:position]:
            raise _refuse(f'Table "{name}" has two or more definitions of index "{index_name}".', "IndexNamesNotUnique")
    if len(names) > INDEXES_PER_TABLE_MAX:
        raise _refuse(f'Table "{name}" cannot have more than {INDEXES_PER_TABLE_MAX} indexes.', "TooManyIndexes")
    _check_distinct(
        ((index.name, index.fields) for index in table.indexes),
        'In table "{table}" index "{later}" and index "{earlier}" have the same fields. '
        "Indexes must be unique within a table.",
        name,
        "IndexNotUnique",
    )
    _check_distinct(
        ((index.name, (index.search_field, frozenset(index.filter_fields))) for index in table.text_indexes),
        'In table "{table}" search index "{later}" and search index "{earlier}" have the same `searchField`. '
        "Search index fields must be unique within a table. "
        "You should combine the\n             indexes with the same `searchField` into one index "
        "containing all `filterField`s and "
        "then use different subsets of the `filterField`s at query time.",
        name,
        "SearchIndexFieldNotUnique",
    )
    _check_distinct(
        ((index.name, (index.vector_field, index.dimensions)) for index in table.vector_indexes),
        'In table "{table}" vector index "{later}" and vector index "{earlier}" have the same `vectorField`. '
        "Vector index fields must be unique within a table. "
        "You should combine the\n             indexes with the same `vectorField` into one index "
        "containing all `filterField`s and "
        "then use different subsets of the `filterField`s at query time.",
        name,
        "VectorIndexFieldNotUnique",
    )


def _check_distinct(indexes: Iterable[tuple[str, object]], text: str, table: str, code: str) -> None:
    seen: dict[object, str] = {}
    for index_name, what in sorted(indexes, key=lambda index: index[0]):
        if what in seen:
            raise _refuse(text.format(table=table, later=index_name, earlier=seen[what]), code)
        seen[what] = index_name


def _check_references(name: str, table: TableDefinition) -> None:
    for index in table.indexes:
        for path in index.fields:
            _check_reference(name, table, index.name, path)
    for text_index in table.text_indexes:
        for path in (text_index.search_field, *text_index.filter_fields):
            _check_reference(name, table, text_index.name, path)
    for vector_index in table.vector_indexes:
        _check_reference(name, table, vector_index.name, vector_index.vector_field)
        _check_vector_field(name, table, vector_index)


def _check_reference(name: str, table: TableDefinition, index: str, path: str) -> None:
    if not field_may_exist(table.document_type, parse_field_path(path)):
        raise _refuse(
            f'In table "{name}" the index "{index}" is invalid because it references the field '
            f"{quoted(path)} that does not exist.",
            "SchemaDefinitionError",
        )


def _check_vector_field(name: str, table: TableDefinition, index: VectorIndexDefinition) -> None:
    candidates = fields_at(table.document_type, parse_field_path(index.vector_field))
    if not any(_may_be_vector(candidate.validator) for candidate in candidates):
        raise _refuse(
            f'In table "{name}" the vector index "{index.name}" is invalid because it references the field '
            f"{quoted(index.vector_field)} that is neither an array of float64 or optional array of float64.",
            "SchemaDefinitionError",
        )


def _may_be_vector(validator: Validator) -> bool:
    if isinstance(validator, UnionValidator):
        return any(map(_may_be_vector, validator.members))
    if isinstance(validator, ArrayValidator):
        return isinstance(validator.element, (Float64Validator, AnyValidator))
    return isinstance(validator, AnyValidator)

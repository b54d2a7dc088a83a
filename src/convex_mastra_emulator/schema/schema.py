"""The schema of a deployment: its tables, checked as a whole, with the JSON form of ``schema.export()``.

convex-js src/server/schema.ts ``export()``, convex-backend crates/common/src/schemas/json.rs
(convex-engine.md §4.1, §7.1 and §7.5, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.schema.definition import (
    IndexDefinition,
    TableDefinition,
    TextIndexDefinition,
    VectorIndexDefinition,
)
from convex_mastra_emulator.schema.rules import check_tables
from convex_mastra_emulator.schema.validator_json import validator_from_json, validator_to_json


@dataclass(frozen=True)
class Schema:
    """The tables of a deployment.

    Args:
        tables: by name, in the order in which they get their table numbers.
        schema_validation: whether writes are held against the validators.

    Raises:
        SchemaDefinitionError: if a deployment would refuse the schema.
    """

    tables: Mapping[str, TableDefinition] = field(default_factory=dict)
    schema_validation: bool = True

    def __post_init__(self) -> None:
        check_tables(self.tables, references_checked=self.schema_validation)

    @classmethod
    def from_json(cls, json: Any) -> Schema:
        """Reads what npm convex' ``schema.export()`` gives (parsed).

        Raises:
            SchemaDefinitionError: if the JSON describes no schema, or one a deployment would refuse.
        """
        if not isinstance(json, dict) or not isinstance(json.get("tables"), list):
            raise SchemaDefinitionError("A schema is an object with a list of `tables`, as schema.export() writes it")
        tables = dict(_table_from_json(table) for table in json["tables"])
        return cls(tables, schema_validation=bool(json.get("schemaValidation", False)))

    def to_json(self) -> dict[str, Any]:
        """What npm convex' ``schema.export()`` would give."""
        return {
            "tables": [_table_to_json(name, table) for name, table in self.tables.items()],
            "schemaValidation": self.schema_validation,
        }


def _table_from_json(json: Any) -> tuple[str, TableDefinition]:
    if not isinstance(json, dict) or not isinstance(json.get("tableName"), str):
        raise SchemaDefinitionError(f"A table must be an object with a `tableName`, got {json!r}")
    name = json["tableName"]
    try:
        table = TableDefinition(
            document_type=validator_from_json(json.get("documentType") or {"type": "any"}),
            indexes=tuple(_both(json, "indexes", "stagedDbIndexes", _index_from_json)),
            vector_indexes=tuple(_both(json, "vectorIndexes", "stagedVectorIndexes", _vector_index_from_json)),
            text_indexes=tuple(_both(json, "searchIndexes", "stagedSearchIndexes", _text_index_from_json)),
        )
    except (KeyError, TypeError) as error:
        raise SchemaDefinitionError(f'In table "{name}": an index lacks {error} or has it in another form') from None
    return name, table


def _both(json: dict[str, Any], active: str, staged: str, read: Any) -> Iterable[Any]:
    yield from (read(index, False) for index in json.get(active) or ())
    yield from (read(index, True) for index in json.get(staged) or ())


def _index_from_json(json: dict[str, Any], staged: bool) -> IndexDefinition:
    return IndexDefinition(json["indexDescriptor"], tuple(json["fields"]), staged)


def _vector_index_from_json(json: dict[str, Any], staged: bool) -> VectorIndexDefinition:
    return VectorIndexDefinition(
        name=json["indexDescriptor"],
        vector_field=json["vectorField"],
        dimensions=json["dimensions"],
        filter_fields=tuple(json.get("filterFields") or ()),
        staged=staged,
    )


def _text_index_from_json(json: dict[str, Any], staged: bool) -> TextIndexDefinition:
    return TextIndexDefinition(
        name=json["indexDescriptor"],
        search_field=json["searchField"],
        filter_fields=tuple(json.get("filterFields") or ()),
        staged=staged,
    )


def _table_to_json(name: str, table: TableDefinition) -> dict[str, Any]:
    return {
        "tableName": name,
        "indexes": [_index_to_json(index) for index in table.indexes if not index.staged],
        "stagedDbIndexes": [_index_to_json(index) for index in table.indexes if index.staged],
        "searchIndexes": [_text_index_to_json(index) for index in table.text_indexes if not index.staged],
        "stagedSearchIndexes": [_text_index_to_json(index) for index in table.text_indexes if index.staged],
        "vectorIndexes": [_vector_index_to_json(index) for index in table.vector_indexes if not index.staged],
        "stagedVectorIndexes": [_vector_index_to_json(index) for index in table.vector_indexes if index.staged],
        "documentType": validator_to_json(table.document_type),
    }


def _index_to_json(index: IndexDefinition) -> dict[str, Any]:
    return {"indexDescriptor": index.name, "fields": list(index.fields)}


def _vector_index_to_json(index: VectorIndexDefinition) -> dict[str, Any]:
    return {
        "indexDescriptor": index.name,
        "vectorField": index.vector_field,
        "dimensions": index.dimensions,
        "filterFields": list(index.filter_fields),
    }


def _text_index_to_json(index: TextIndexDefinition) -> dict[str, Any]:
    return {
        "indexDescriptor": index.name,
        "searchField": index.search_field,
        "filterFields": list(index.filter_fields),
    }

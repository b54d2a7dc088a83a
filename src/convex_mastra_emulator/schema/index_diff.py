"""How the indexes of two schemas differ, as a deploy reports it.

convex-backend crates/database/src/bootstrap_model/index.rs ``get_index_diff``,
crates/model/src/deployment_audit_log/developer_index_config.rs (convex-wire.md §4.3, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from convex_mastra_emulator.schema.definition import IndexDefinition, TextIndexDefinition, VectorIndexDefinition
from convex_mastra_emulator.schema.schema import Schema

AnyIndex: TypeAlias = IndexDefinition | TextIndexDefinition | VectorIndexDefinition


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """An index and its table."""

    table: str
    index: AnyIndex

    def to_json(self) -> dict[str, Any]:
        """As ``npx convex`` reads it."""
        index = self.index
        if isinstance(index, IndexDefinition):
            spec: dict[str, Any] = {"type": "database", "fields": list(index.fields)}
        elif isinstance(index, TextIndexDefinition):
            spec = {"type": "search", "searchField": index.search_field, "filterFields": list(index.filter_fields)}
        else:
            spec = {
                "type": "vector",
                "dimensions": index.dimensions,
                "vectorField": index.vector_field,
                "filterFields": list(index.filter_fields),
            }
        return {"name": f"{self.table}.{index.name}", **spec, "staged": index.staged}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDiff:
    """What becomes of indexes; one that is another under the same name is both removed and added.

    Attributes:
        added: not there before.
        removed: there no longer.
        enabled: staged before.
        disabled: staged now.
        kept: the same as before.
    """

    added: tuple[NamedIndex, ...]
    removed: tuple[NamedIndex, ...]
    enabled: tuple[NamedIndex, ...]
    disabled: tuple[NamedIndex, ...]
    kept: tuple[NamedIndex, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``npx convex`` reads it; these names have underscores."""
        return {
            "added_indexes": [index.to_json() for index in self.added],
            "removed_indexes": [index.to_json() for index in self.removed],
            "enabled_indexes": [index.to_json() for index in self.enabled],
            "disabled_indexes": [index.to_json() for index in self.disabled],
        }


def index_diff(before: Schema, after: Schema) -> IndexDiff:
    """How the indexes of ``after`` differ from those of ``before``, sorted by table and name."""
    old, new = _indexes(before), _indexes(after)
    same = {name for name in old.keys() & new.keys() if _spec(old[name]) == _spec(new[name])}
    changed = {name for name in same if old[name].index.staged != new[name].index.staged}
    return IndexDiff(
        added=tuple(index for name, index in new.items() if name not in same),
        removed=tuple(index for name, index in old.items() if name not in same),
        enabled=tuple(new[name] for name in new if name in changed and not new[name].index.staged),
        disabled=tuple(new[name] for name in new if name in changed and new[name].index.staged),
        kept=tuple(new[name] for name in new if name in same - changed),
    )


def _indexes(schema: Schema) -> dict[tuple[str, str], NamedIndex]:
    found: dict[tuple[str, str], NamedIndex] = {}
    for table, definition in schema.tables.items():
        every: tuple[AnyIndex, ...] = (*definition.indexes, *definition.text_indexes, *definition.vector_indexes)
        found |= {(table, index.name): NamedIndex(table, index) for index in every}
    return dict(sorted(found.items()))


def _spec(index: NamedIndex) -> dict[str, Any]:
    return {**index.to_json(), "staged": None}

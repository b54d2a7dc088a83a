"""Resources of the memory domain: whom threads belong to, with their working memory.

npm @mastra/convex 1.5.2 ``MemoryConvex`` (mastra-adapter.md §3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.json_text import safely_parse_json, to_json_value
from convex_mastra_emulator.stores.storage_client import UNSET, Record, StorageClient, given
from convex_mastra_emulator.stores.times import from_iso, to_iso

TABLE_RESOURCES = "mastra_resources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Whom threads belong to.

    Attributes:
        id: its own id.
        working_memory: a text; None if there is none, which is not the empty text.
        metadata: a JSON object.
        created_at: when it was first written.
        updated_at: when it was last written.
        convex_id: the row's ``_id``; None for a resource that was not read, or just created by an update.
        creation_time: the row's ``_creationTime``, in milliseconds; None as for ``convex_id``.
    """

    id: str
    working_memory: str | None = None
    metadata: Any = None
    created_at: datetime
    updated_at: datetime
    convex_id: str | None = field(default=None, compare=False, repr=False)
    creation_time: float | None = field(default=None, compare=False, repr=False)


class ConvexResources:
    """Resources on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def save_resource(self, *, resource: Resource) -> Resource:
        """Writes a resource, over the one with its id if there is one, and returns its argument.

        Metadata that are None are not sent, so stored ones stay.
        """
        self._client.insert(TABLE_RESOURCES, _record(resource))
        return resource

    def get_resource_by_id(self, *, resource_id: str) -> Resource | None:
        """The resource, its metadata ``{}`` if it has none; None if there is no such resource."""
        row = self._client.load(TABLE_RESOURCES, id=resource_id)
        return None if row is None else _resource(row)

    def update_resource(
        self,
        *,
        resource_id: str,
        working_memory: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Resource:
        """Changes what is given, merging the metadata shallowly; creates the resource if there is none."""
        now = to_iso(self._client.clock())
        row = self._client.call(
            "updateResource",
            TABLE_RESOURCES,
            resourceId=resource_id,
            workingMemory=UNSET if working_memory is None else working_memory,
            metadata=UNSET if metadata is None else to_json_value(metadata),
            createdAt=now,
            updatedAt=now,
        )
        return _resource(row)


def _resource(row: Record) -> Resource:
    stored = row.get("metadata")
    metadata = safely_parse_json(stored) if isinstance(stored, str) else stored
    return Resource(
        id=row["id"],
        working_memory=row.get("workingMemory"),
        metadata={} if metadata is None else metadata,
        created_at=from_iso(row["createdAt"]),
        updated_at=from_iso(row["updatedAt"]),
        convex_id=row.get("_id"),
        creation_time=row.get("_creationTime"),
    )


def _record(resource: Resource) -> Record:
    # A row that was read goes back whole, system fields included, as `{...resource}` does.
    return given(
        id=resource.id,
        workingMemory=UNSET if resource.working_memory is None else resource.working_memory,
        metadata=UNSET if resource.metadata is None else to_json_value(resource.metadata),
        createdAt=resource.created_at,
        updatedAt=resource.updated_at,
        _id=UNSET if resource.convex_id is None else resource.convex_id,
        _creationTime=UNSET if resource.creation_time is None else resource.creation_time,
    )

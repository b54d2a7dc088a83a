"""Where a deployment has Mastra's functions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MastraPaths:
    """Paths of Mastra's five functions; the defaults are those of `@mastra/convex` (mastra-adapter.md §1)."""

    storage: str = "mastra/storage:handle"
    cache: str = "mastra/cache:handle"
    native_query: str = "mastra/nativeVector:query"
    native_read: str = "mastra/nativeVector:read"
    native_write: str = "mastra/nativeVector:write"

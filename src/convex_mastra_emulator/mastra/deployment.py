"""Mastra's five functions at the paths `@mastra/convex` calls by default (mastra-adapter.md §1)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from convex_mastra_emulator.mastra.cache import handle_cache
from convex_mastra_emulator.mastra.native_vector import native_vector_query, native_vector_read, native_vector_write
from convex_mastra_emulator.mastra.storage import handle_storage
from convex_mastra_emulator.runtime.functions import Function, mutation

MASTRA_FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "mastra/storage:handle": mutation(handle_storage),
        "mastra/cache:handle": mutation(handle_cache),
        "mastra/nativeVector:query": native_vector_query,
        "mastra/nativeVector:read": native_vector_read,
        "mastra/nativeVector:write": native_vector_write,
    }
)

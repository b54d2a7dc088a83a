"""What the stores raise beside the deployment's own errors.

npm @mastra/core ``MastraError`` (src/error/index.ts, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convex_mastra_emulator.errors import EmulatorError


class StorageError(EmulatorError):
    """The handler answered ``{ok: false}``; ``code`` and ``details`` as it gave them."""

    def __init__(self, message: str, *, code: Any = None, details: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class MastraError(EmulatorError):
    """Mastra's error: ``id`` such as ``MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND``.

    Attributes:
        id: what went wrong where.
        domain: ``STORAGE`` or ``MASTRA_VECTOR``.
        category: ``USER``, ``SYSTEM`` or ``THIRD_PARTY``.
        details: the arguments concerned.
    """

    def __init__(
        self, text: str, *, id: str, domain: str, category: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(text)
        self.id = id
        self.domain = domain
        self.category = category
        self.details = dict(details or {})

"""The names of Convex' types in Python, and the missing value."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, TypeAlias

Value: TypeAlias = Any
"""None, bool, float, ConvexInt64, str, bytes, list or dict of these; see the package's table."""

Document: TypeAlias = dict[str, Any]
"""An object with ``_id`` and ``_creationTime``."""


class Undefined(Enum):
    """The type of :data:`undefined`."""

    UNDEFINED = "undefined"

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


undefined: Final = Undefined.UNDEFINED
"""No value: a missing field in an index or a filter, a field to be removed in a patch."""

"""Names: of fields inside values, of tables, indexes and functions, and paths of fields.

convex-backend crates/convex/sync_types/src/identifier.rs, crates/value/src/field_path.rs
(convex-engine.md §1.5, checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.values.display import character, quoted

IDENTIFIER_LENGTH_MAX = 64
FIELD_NAME_SIZE_MAX = 1024

_PLAIN_FIELD_NAME = re.compile(r"(?!\$)[\x20-\x7e]{0,1024}\Z")
_PLAIN_IDENTIFIER = re.compile(r"(?=_*[A-Za-z0-9])[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


@lru_cache(maxsize=4096)
def field_name_problem(name: str, size_max: int = FIELD_NAME_SIZE_MAX) -> str | None:
    """Why ``name`` may not be a field of a value, in the deployment's words; None if it may."""
    if size_max == FIELD_NAME_SIZE_MAX and _PLAIN_FIELD_NAME.match(name):
        return None
    if len(name) > size_max:
        # Anybody may send thousands of long names: they must not be remembered beside each other.
        field_name_problem.cache_clear()
        return f"Field name is too long ({len(name.encode('utf-8', 'surrogatepass'))} > maximum {size_max})"
    if name.startswith("$"):
        return f"Field name {name} starts with '$', which is reserved."
    for char in name:
        if not " " <= char <= "~":
            return (
                f"Field name {name} has invalid character {character(char)}: "
                "Field names can only contain non-control ASCII characters"
            )
    return None


def client_name_problem(value: Any) -> str | None:
    """What npm convex throws for the first field name in ``value`` that it refuses; None if it takes all of them.

    It looks inside the function, before the deployment sees the value (npm convex 1.48.0 values/value.ts,
    ``validateObjectField``; convex-engine.md §1.5).
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            problem = _client_refusal(name) or client_name_problem(item)
            if problem is not None:
                return problem
    elif isinstance(value, (list, tuple)):
        return next((problem for item in value if (problem := client_name_problem(item)) is not None), None)
    return None


def _client_refusal(name: Any) -> str | None:
    if not isinstance(name, str) or _PLAIN_FIELD_NAME.match(name):
        return None
    if len(name) > FIELD_NAME_SIZE_MAX:
        return f"Field name {name} exceeds maximum field name length {FIELD_NAME_SIZE_MAX}."
    if name.startswith("$"):
        return f"Field name {name} starts with a '$', which is reserved."
    bad = next(char for char in name if not " " <= char <= "~")
    return f"Field name {name} has invalid character '{bad}': Field names can only contain non-control ASCII characters"


@lru_cache(maxsize=4096)
def identifier_problem(name: str) -> str | None:
    """Why ``name`` may not name a table, an index, a function or a validator's field; None if it may."""
    if _PLAIN_IDENTIFIER.match(name):
        return None
    if not name:
        return "Identifier cannot be empty"
    if len(name) > IDENTIFIER_LENGTH_MAX:
        identifier_problem.cache_clear()  # long ones must not be remembered beside each other
    first = name[0]
    if not (first == "_" or (first.isascii() and first.isalpha())):
        return (
            f"Invalid first character {character(first)} in {name}: "
            "Identifiers must start with an alphabetic character or underscore"
        )
    for char in name[1:]:
        if not (char == "_" or (char.isascii() and char.isalnum())):
            return (
                f"Identifier {name} has invalid character {character(char)}: "
                "Identifiers can only contain alphanumeric characters or underscores"
            )
    if len(name) > IDENTIFIER_LENGTH_MAX:
        return f"Identifier is too long ({len(name)} > maximum {IDENTIFIER_LENGTH_MAX})"
    return f"Identifier {name} cannot have exclusively underscores"


def check_identifier(name: str) -> str:
    """Returns ``name`` if it is an identifier.

    Raises:
        InvalidValue: with the deployment's text otherwise.
    """
    problem = identifier_problem(name)
    if problem is not None:
        raise InvalidValue(problem, code="InvalidIdentifier")
    return name


@lru_cache(maxsize=4096)
def parse_field_path(path: str) -> tuple[str, ...]:
    """Splits ``a.b.c`` into its identifiers; dots at either end are ignored.

    Raises:
        InvalidValue: if a part is no identifier, or nothing is left.
    """
    if len(path) > FIELD_NAME_SIZE_MAX:
        parse_field_path.cache_clear()  # long ones must not be remembered beside each other
    trimmed = path.strip(".")
    if not trimmed:
        raise InvalidValue(f"Empty path {quoted(path)}", code="InvalidFieldPath")
    return tuple(check_identifier(part) for part in trimmed.split("."))

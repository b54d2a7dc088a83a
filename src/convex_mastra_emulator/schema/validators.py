"""Validators: which values they accept, how they print, and the exact text of each refusal.

A refusal is returned, not raised, because a union tries its members; callers wrap it in their own error.

convex-backend crates/common/src/schemas/validator.rs (convex-engine.md §7.2 to §7.4, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from convex import ConvexInt64

from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.values.display import display, quoted
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.order import same, sort_key
from convex_mastra_emulator.values.types import Value


class TableNumbers(Protocol):
    """What ``v.id`` needs to know of the database."""

    def table_name(self, table_number: int) -> str | None:
        """The table of that number: its name, a name with ``_`` for a system table, or None."""


class NoTables:
    """No table exists: every ``v.id`` refuses."""

    def table_name(self, table_number: int) -> str | None:
        """None, whatever the number."""
        return None


def _where(path: str) -> str:
    return f"Path: {path}" if path else ""


def _no_match(value: Value, validator: Validator, path: str) -> str:
    return f"Value does not match validator.\n{_where(path)}\nValue: {display(value)}\nValidator: {validator}"


class Validator:
    """Root of the validators.  ``str(validator)`` is the form error texts use."""

    leaf_type: ClassVar[type | None] = None
    """The Python type whose instances always match, for a quick look before :meth:`problem`."""

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Why ``value`` is refused, or None.  ``path`` is where it stands: ``.a[0].b`` or empty."""
        raise NotImplementedError  # every subclass in this module has its own


@dataclass(frozen=True)
class AnyValidator(Validator):
    """``v.any()``: every value."""

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Always None."""
        return None

    def __str__(self) -> str:
        return "v.any()"


class _LeafValidator(Validator):
    printed: ClassVar[str]

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Refuses every value of another type; nothing is coerced."""
        return None if type(value) is self.leaf_type else _no_match(value, self, path)

    def __str__(self) -> str:
        return self.printed


@dataclass(frozen=True)
class NullValidator(_LeafValidator):
    """``v.null()``."""

    leaf_type = type(None)
    printed = "v.null()"


@dataclass(frozen=True)
class Float64Validator(_LeafValidator):
    """``v.float64()``, ``v.number()``."""

    leaf_type = float
    printed = "v.float64()"


@dataclass(frozen=True)
class Int64Validator(_LeafValidator):
    """``v.int64()``, ``v.bigint()``."""

    leaf_type = ConvexInt64
    printed = "v.int64()"


@dataclass(frozen=True)
class CommitTimestampValidator(_LeafValidator):
    """``v.commitTs()``: an Int64 once the commit has happened (§1.1)."""

    leaf_type = ConvexInt64
    printed = "v.commitTs()"


@dataclass(frozen=True)
class BooleanValidator(_LeafValidator):
    """``v.boolean()``."""

    leaf_type = bool
    printed = "v.boolean()"


@dataclass(frozen=True)
class StringValidator(_LeafValidator):
    """``v.string()``."""

    leaf_type = str
    printed = "v.string()"


@dataclass(frozen=True)
class BytesValidator(_LeafValidator):
    """``v.bytes()``."""

    leaf_type = bytes
    printed = "v.bytes()"


@dataclass(frozen=True)
class LiteralValidator(Validator):
    """``v.literal(value)``: exactly this string, boolean, Float64 or Int64."""

    literal: Value

    def __eq__(self, other: object) -> bool:
        # ConvexInt64(1) == 1.0 in Python, but not here.
        return isinstance(other, LiteralValidator) and same(self.literal, other.literal)

    def __hash__(self) -> int:
        return hash(sort_key(self.literal))

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Refuses everything that is not equal in the total order."""
        if same(value, self.literal):
            return None
        return f"`{display(value)}` does not match literal validator `{self}`.{_where(path)}"

    def __str__(self) -> str:
        if isinstance(self.literal, ConvexInt64):
            return "v.literal(<bigint>)"
        if isinstance(self.literal, float) and not math.isfinite(self.literal):
            return "v.literal(<number>)"
        return f"v.literal({display(self.literal)})"


@dataclass(frozen=True)
class IdValidator(Validator):
    """``v.id(table)``: text that decodes as an id of that table; whether the document exists is not asked."""

    table: str

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Refuses other types and undecodable text as no match, ids of other tables by name."""
        table = self._table_of(value, tables)
        if table is None:
            return _no_match(value, self, path)
        if table == self.table:
            return None
        source = "a system table" if table.startswith("_") else f"table `{table}`"
        mismatch = f"which does not match the table name in validator `{self}`."
        return f'Found ID "{value}" from {source}, {mismatch}{_where(path)}'

    @staticmethod
    def _table_of(value: Value, tables: TableNumbers) -> str | None:
        if type(value) is not str:
            return None
        try:
            number, _ = decode_id(value)
        except InvalidValue:
            return None
        return tables.table_name(number)

    def __str__(self) -> str:
        return f"v.id({quoted(self.table)})"


@dataclass(frozen=True)
class ArrayValidator(Validator):
    """``v.array(element)``."""

    element: Validator

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """The first element that is refused decides."""
        if type(value) is not list:
            return _no_match(value, self, path)
        leaf_type = self.element.leaf_type
        if leaf_type is not None and list(map(type, value)).count(leaf_type) == len(value):
            return None
        for position, item in enumerate(value):
            problem = self.element.problem(item, f"{path}[{position}]", tables)
            if problem is not None:
                return problem
        return None

    def __str__(self) -> str:
        return f"v.array({self.element})"


@dataclass(frozen=True)
class RecordValidator(Validator):
    """``v.record(keys, values)``."""

    keys: Validator
    values: Validator

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Entries in byte order, the key before its value."""
        if type(value) is not dict:
            return _no_match(value, self, path)
        for name in sorted(value):
            problem = self.keys.problem(name, f"{path}.keys()", tables) or self.values.problem(
                value[name], f"{path}.values()", tables
            )
            if problem is not None:
                return problem
        return None

    def __str__(self) -> str:
        return f"v.record({self.keys}, {self.values})"


@dataclass(frozen=True)
class Field:
    """One field of an object validator."""

    validator: Validator
    optional: bool = False

    def __str__(self) -> str:
        return f"v.optional({self.validator})" if self.optional else str(self.validator)


@dataclass(frozen=True)
class ObjectValidator(Validator):
    """``v.object(fields)``: strict, no field may be missing and none may be extra."""

    fields: Mapping[str, Field]
    _checks: tuple[tuple[str, Field, type | None], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(
            (name, self.fields[name], self.fields[name].validator.leaf_type) for name in sorted(self.fields)
        )
        object.__setattr__(self, "_checks", ordered)

    def __hash__(self) -> int:
        return hash(str(self))

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """The validator's fields in sorted order, then extra fields in sorted order; the first failure wins."""
        if type(value) is not dict:
            return _no_match(value, self, path)
        present = 0
        for name, member, leaf_type in self._checks:
            if name in value:
                present += 1
                item = value[name]
                if leaf_type is not None and type(item) is leaf_type:
                    continue
                problem = member.validator.problem(item, f"{path}.{name}", tables)
                if problem is not None:
                    return problem
            elif not member.optional:
                return self._missing(name, value, path)
        if present < len(value):
            return self._extra(value, path)
        return None

    def _missing(self, name: str, value: Value, path: str) -> str:
        return (
            f"Object is missing the required field `{name}`. "
            "Consider wrapping the field validator in `v.optional(...)` if this is expected.\n"
            f"{_where(path)}\nObject: {display(value)}\nValidator: {self}"
        )

    def _extra(self, value: Value, path: str) -> str:
        name = min(set(value) - set(self.fields))
        return (
            f"Object contains extra field `{name}` that is not in the validator.\n"
            f"{_where(path)}\nObject: {display(value)}\nValidator: {self}"
        )

    def __str__(self) -> str:
        return "v.object({" + ", ".join(f"{name}: {self.fields[name]}" for name in sorted(self.fields)) + "})"


@dataclass(frozen=True)
class UnionValidator(Validator):
    """``v.union(...)``: any member; with a single member, that member and its texts."""

    members: tuple[Validator, ...]

    def problem(self, value: Value, path: str, tables: TableNumbers) -> str | None:
        """Members' own texts are not shown, except when there is only one."""
        if len(self.members) == 1:
            return self.members[0].problem(value, path, tables)
        for member in self.members:
            if member.problem(value, path, tables) is None:
                return None
        return _no_match(value, self, path)

    def __str__(self) -> str:
        return "v.union(" + ", ".join(map(str, self.members)) + ")"

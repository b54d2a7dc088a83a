"""Writing schemas in Python with Convex' own words: ``v``, ``define_table``, ``define_schema``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.schema.definition import TableDefinition
from convex_mastra_emulator.schema.schema import Schema
from convex_mastra_emulator.schema.validator_json import record_of
from convex_mastra_emulator.schema.validators import (
    AnyValidator,
    ArrayValidator,
    BooleanValidator,
    BytesValidator,
    CommitTimestampValidator,
    Field,
    Float64Validator,
    IdValidator,
    Int64Validator,
    LiteralValidator,
    NullValidator,
    ObjectValidator,
    StringValidator,
    UnionValidator,
    Validator,
)
from convex_mastra_emulator.values.names import check_identifier
from convex_mastra_emulator.values.size import take_in
from convex_mastra_emulator.values.types import Value

Fields: TypeAlias = Mapping[str, "Validator | Field"]


class v:
    """Validator builders, named as in ``convex/values``."""

    @staticmethod
    def any() -> AnyValidator:
        """Every value."""
        return AnyValidator()

    @staticmethod
    def null() -> NullValidator:
        """Null."""
        return NullValidator()

    @staticmethod
    def float64() -> Float64Validator:
        """A Float64."""
        return Float64Validator()

    number = float64

    @staticmethod
    def int64() -> Int64Validator:
        """An Int64 (``ConvexInt64``)."""
        return Int64Validator()

    bigint = int64

    @staticmethod
    def commit_ts() -> CommitTimestampValidator:
        """An Int64 that was a commit timestamp."""
        return CommitTimestampValidator()

    @staticmethod
    def boolean() -> BooleanValidator:
        """True or false."""
        return BooleanValidator()

    @staticmethod
    def string() -> StringValidator:
        """A string."""
        return StringValidator()

    @staticmethod
    def bytes() -> BytesValidator:
        """Bytes."""
        return BytesValidator()

    @staticmethod
    def id(table: str) -> IdValidator:
        """An id of a document in ``table``."""
        return IdValidator(table)

    @staticmethod
    def literal(value: Value) -> LiteralValidator:
        """Exactly this value; an int stands for a Float64."""
        return LiteralValidator(take_in(value, DEFAULT_LIMITS).value)

    @staticmethod
    def array(element: Validator) -> ArrayValidator:
        """A list of elements that each match."""
        return ArrayValidator(_required(element, "An array's element"))

    @staticmethod
    def object(fields: Fields) -> ObjectValidator:
        """An object with exactly these fields."""
        return ObjectValidator(_fields(fields))

    @staticmethod
    def record(keys: Validator, values: Validator) -> Validator:
        """An object with any keys of a string-like validator."""
        for what, part in (("keys", keys), ("values", values)):
            if isinstance(part, Field):
                raise SchemaDefinitionError(f"Record validator cannot have optional {what}", code="InvalidRecordType")
        return record_of(keys, values)

    @staticmethod
    def union(*members: Validator) -> UnionValidator:
        """Any of the members."""
        return UnionValidator(tuple(_required(member, "A union's member") for member in members))

    @staticmethod
    def optional(validator: Validator) -> Field:
        """A field that may be missing (null is not missing)."""
        return Field(_required(validator, "An optional field's validator"), optional=True)


def _required(validator: Validator | Field, what: str) -> Validator:
    if not isinstance(validator, Validator):
        raise SchemaDefinitionError(f"{what} must be a validator such as v.string(), got {validator!r}")
    return validator


def _fields(fields: Fields) -> dict[str, Field]:
    built = {}
    for name, member in fields.items():
        check_identifier(name)
        built[name] = member if isinstance(member, Field) else Field(_required(member, f"Field `{name}`"))
    return built


def define_table(document: Validator | Fields) -> TableDefinition:
    """A table whose documents match a validator, or an object with these fields.

    Raises:
        SchemaDefinitionError: if a field is no validator.
        InvalidValue: if a field name is no identifier.
    """
    return TableDefinition(document if isinstance(document, Validator) else ObjectValidator(_fields(document)))


def define_schema(tables: Mapping[str, TableDefinition], *, schema_validation: bool = True) -> Schema:
    """The schema of a deployment.

    Raises:
        SchemaDefinitionError: with the text ``npx convex deploy`` would show.
    """
    return Schema(dict(tables), schema_validation=schema_validation)

"""The JSON form of validators, as ``schema.export()`` and ``exportArgs()`` of npm convex write it.

convex-backend crates/common/src/schemas/json.rs, convex-js src/values/validators.ts
(convex-engine.md §7.5, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from convex import ConvexInt64

from convex_mastra_emulator.errors import InvalidValue, SchemaDefinitionError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
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
    RecordValidator,
    StringValidator,
    UnionValidator,
    Validator,
)
from convex_mastra_emulator.values.codec import decode, encode
from convex_mastra_emulator.values.names import check_identifier

CheckName: TypeAlias = Callable[[str], object]
_LEAVES: dict[str, Validator] = {
    "any": AnyValidator(),
    "null": NullValidator(),
    "number": Float64Validator(),
    "bigint": Int64Validator(),
    "commitTs": CommitTimestampValidator(),
    "boolean": BooleanValidator(),
    "string": StringValidator(),
    "bytes": BytesValidator(),
}
_LEAF_NAMES: dict[type[Validator], str] = {type(validator): name for name, validator in _LEAVES.items()}


def validator_from_json(json: Any, *, takes_dollar: bool = False) -> Validator:
    """Reads a validator.

    Args:
        json: parsed.
        takes_dollar: whether names of fields may begin with ``$``, which no deployment takes.

    Raises:
        SchemaDefinitionError: if the JSON describes none.
    """
    return _read(json, _check_name_after_dollar if takes_dollar else check_identifier)


def _check_name_after_dollar(name: str) -> None:
    check_identifier(name.removeprefix("$"))


def _read(json: Any, check_name: CheckName) -> Validator:
    if not isinstance(json, dict) or not isinstance(json.get("type"), str):
        raise SchemaDefinitionError(f"Invalid validator: expected an object with a `type`, got {json!r}")
    kind = json["type"]
    leaf = _LEAVES.get(kind)
    if leaf is not None:
        return leaf
    read = _READERS.get(kind)
    if read is None:
        raise SchemaDefinitionError(f"Invalid validator: unknown type `{kind}`")
    return read(json, check_name)


def _literal(json: dict[str, Any], _: CheckName) -> Validator:
    value = json.get("value")
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    literal = decode(value, DEFAULT_LIMITS)
    if not isinstance(literal, (str, bool, float, ConvexInt64)):
        raise SchemaDefinitionError(f"Invalid validator: {value!r} is no literal")
    return LiteralValidator(literal)


def _id(json: dict[str, Any], _: CheckName) -> Validator:
    return IdValidator(_text(json, "tableName"))


def _text(json: dict[str, Any], name: str) -> str:
    value = json.get(name)
    if not isinstance(value, str):
        raise SchemaDefinitionError(f"Invalid validator: `{name}` must be a string, got {value!r}")
    return value


def _array(json: dict[str, Any], check_name: CheckName) -> Validator:
    return ArrayValidator(_read(json.get("value"), check_name))


def _union(json: dict[str, Any], check_name: CheckName) -> Validator:
    members = json.get("value")
    if not isinstance(members, list):
        raise SchemaDefinitionError(f"Invalid validator: the members of a union must be a list, got {members!r}")
    return UnionValidator(tuple(_read(member, check_name) for member in members))


def _object(json: dict[str, Any], check_name: CheckName) -> Validator:
    fields = json.get("value")
    if not isinstance(fields, dict):
        raise SchemaDefinitionError(f"Invalid validator: the fields of an object must be an object, got {fields!r}")
    return ObjectValidator({name: _named_field(name, field, check_name) for name, field in fields.items()})


def _named_field(name: str, json: Any, check_name: CheckName) -> Field:
    try:
        check_name(name)
        return _field(json, check_name)
    except (InvalidValue, SchemaDefinitionError) as error:
        raise SchemaDefinitionError(f"Invalid validator for key `{name}`: {error}") from None


def _field(json: Any, check_name: CheckName) -> Field:
    if not isinstance(json, dict):
        raise SchemaDefinitionError(f"Invalid validator: expected a field with `fieldType`, got {json!r}")
    return Field(_read(json.get("fieldType"), check_name), bool(json.get("optional", False)))


def _record(json: dict[str, Any], check_name: CheckName) -> Validator:
    values = _field(json.get("values"), check_name)
    if values.optional:
        raise SchemaDefinitionError("Records cannot have optional values", code="InvalidRecordType")
    return record_of(_read(json.get("keys"), check_name), values.validator)


def record_of(keys: Validator, values: Validator) -> RecordValidator:
    """A record validator whose keys are checked to be string-like.

    Raises:
        SchemaDefinitionError: for literal keys and keys that are no strings.
    """
    if _has_literal(keys):
        raise SchemaDefinitionError("Records cannot have string literal keys", code="InvalidRecordType")
    if not _is_string_like(keys):
        raise SchemaDefinitionError(
            "Records can only have string keys. Your validator contains a record with key typed as "
            f"`{keys}`, which is not a subtype of `v.string()`",
            code="InvalidRecordType",
        )
    return RecordValidator(keys, values)


def _has_literal(keys: Validator) -> bool:
    if isinstance(keys, UnionValidator):
        return any(map(_has_literal, keys.members))
    return isinstance(keys, LiteralValidator) and isinstance(keys.literal, str)


def _is_string_like(keys: Validator) -> bool:
    if isinstance(keys, UnionValidator):
        return all(map(_is_string_like, keys.members))
    return isinstance(keys, (StringValidator, IdValidator))


_READERS = {
    "literal": _literal,
    "id": _id,
    "array": _array,
    "union": _union,
    "object": _object,
    "record": _record,
}


def validator_to_json(validator: Validator) -> dict[str, Any]:
    """Writes a validator; the inverse of :func:`validator_from_json`."""
    leaf = _LEAF_NAMES.get(type(validator))
    if leaf is not None:
        return {"type": leaf}
    match validator:
        case LiteralValidator(literal):
            return {"type": "literal", "value": encode(literal)}
        case IdValidator(table):
            return {"type": "id", "tableName": table}
        case ArrayValidator(element):
            return {"type": "array", "value": validator_to_json(element)}
        case UnionValidator(members):
            return {"type": "union", "value": [validator_to_json(member) for member in members]}
        case RecordValidator(keys, values):
            return {"type": "record", "keys": validator_to_json(keys), "values": _field_to_json(Field(values))}
        case ObjectValidator():
            return {
                "type": "object",
                "value": {name: _field_to_json(field) for name, field in validator.fields.items()},
            }
    raise AssertionError(f"no JSON form for {validator!r}")


def _field_to_json(field: Field) -> dict[str, Any]:
    return {"fieldType": validator_to_json(field.validator), "optional": field.optional}

"""The JSON form of validators: convex-engine.md §7.5."""

import math
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.schema.validator_json import validator_from_json, validator_to_json
from convex_mastra_emulator.schema.validators import Validator

FORMS: list[tuple[Validator, dict[str, Any]]] = [
    (v.any(), {"type": "any"}),
    (v.null(), {"type": "null"}),
    (v.float64(), {"type": "number"}),
    (v.int64(), {"type": "bigint"}),
    (v.commit_ts(), {"type": "commitTs"}),
    (v.boolean(), {"type": "boolean"}),
    (v.string(), {"type": "string"}),
    (v.bytes(), {"type": "bytes"}),
    (v.literal("a"), {"type": "literal", "value": "a"}),
    (v.literal(1.5), {"type": "literal", "value": 1.5}),
    (v.literal(False), {"type": "literal", "value": False}),
    (v.literal(ConvexInt64(1)), {"type": "literal", "value": {"$integer": "AQAAAAAAAAA="}}),
    (v.literal(math.inf), {"type": "literal", "value": {"$float": "AAAAAAAA8H8="}}),
    (v.id("threads"), {"type": "id", "tableName": "threads"}),
    (v.array(v.null()), {"type": "array", "value": {"type": "null"}}),
    (
        v.record(v.string(), v.any()),
        {
            "type": "record",
            "keys": {"type": "string"},
            "values": {"fieldType": {"type": "any"}, "optional": False},
        },
    ),
    (
        v.object({"a": v.string(), "_b": v.optional(v.null())}),
        {
            "type": "object",
            "value": {
                "a": {"fieldType": {"type": "string"}, "optional": False},
                "_b": {"fieldType": {"type": "null"}, "optional": True},
            },
        },
    ),
    (v.union(v.null(), v.string()), {"type": "union", "value": [{"type": "null"}, {"type": "string"}]}),
    (v.union(), {"type": "union", "value": []}),
]


@pytest.mark.parametrize(
    ("validator", "json"), FORMS, ids=lambda form: str(form) if isinstance(form, Validator) else ""
)
def test_form_in_both_directions(validator: Validator, json: dict[str, Any]) -> None:
    assert validator_to_json(validator) == json
    assert validator_from_json(json) == validator


def test_whole_number_in_json_is_a_float_literal() -> None:
    assert validator_from_json({"type": "literal", "value": 1}) == v.literal(1.0)


@pytest.mark.parametrize(
    ("json", "text"),
    [
        (None, r"^Invalid validator: expected an object with a `type`, got None$"),
        ({}, r"^Invalid validator: expected an object with a `type`"),
        ({"type": "date"}, r"^Invalid validator: unknown type `date`$"),
        ({"type": "literal", "value": None}, r"^Invalid validator: None is no literal$"),
        ({"type": "literal", "value": [1]}, r"is no literal$"),
        ({"type": "id"}, r"^Invalid validator: `tableName` must be a string"),
        ({"type": "array"}, r"^Invalid validator: expected an object with a `type`"),
        ({"type": "union", "value": {}}, r"^Invalid validator: the members of a union must be a list"),
        ({"type": "object", "value": []}, r"^Invalid validator: the fields of an object must be an object"),
        (
            {"type": "object", "value": {"a b": {"fieldType": {"type": "any"}, "optional": False}}},
            r"^Invalid validator for key `a b`: Identifier a b has invalid character ' '",
        ),
        (
            {"type": "object", "value": {"a": {"fieldType": {"type": "date"}, "optional": False}}},
            r"^Invalid validator for key `a`: Invalid validator: unknown type `date`$",
        ),
        ({"type": "object", "value": {"a": None}}, r"^Invalid validator for key `a`: "),
    ],
)
def test_json_that_is_no_validator_is_refused(json: Any, text: str) -> None:
    with pytest.raises(SchemaDefinitionError, match=text):
        validator_from_json(json)


def record(keys: dict[str, Any], *, optional: bool = False) -> dict[str, Any]:
    return {"type": "record", "keys": keys, "values": {"fieldType": {"type": "any"}, "optional": optional}}


@pytest.mark.parametrize(
    ("json", "text"),
    [
        (
            record({"type": "number"}),
            r"^Records can only have string keys\. Your validator contains a record with key typed as "
            r"`v\.float64\(\)`, which is not a subtype of `v\.string\(\)`$",
        ),
        (record({"type": "literal", "value": "a"}), r"^Records cannot have string literal keys$"),
        (
            record({"type": "union", "value": [{"type": "string"}, {"type": "literal", "value": "a"}]}),
            r"^Records cannot have string literal keys$",
        ),
        (record({"type": "string"}, optional=True), r"^Records cannot have optional values$"),
    ],
)
def test_record_with_other_keys_or_optional_values_is_refused(json: dict[str, Any], text: str) -> None:
    with pytest.raises(SchemaDefinitionError, match=text) as caught:
        validator_from_json(json)

    assert caught.value.code == "InvalidRecordType"

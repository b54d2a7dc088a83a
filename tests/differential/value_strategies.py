"""Values to draw from, in encoded form: few of each kind, so that they collide, and the odd ones among them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NEGATIVE_ZERO = {"$float": "AAAAAAAAAIA="}
NOT_A_NUMBER = {"$float": "AAAAAAAA+H8="}
INFINITY = {"$float": "AAAAAAAA8H8="}
INT64_ONE = {"$integer": "AQAAAAAAAAA="}
INT64_LARGE = {"$integer": "/////////38="}
BYTES = {"$bytes": "AQI="}

# U+1F600 sorts above U+FFFD by UTF-8 bytes and below it by UTF-16 units.
TEXTS = ("", "a", "b", "A", "10", "9", "ä", "日本", "😀", "\ufffd", 'with "quotes"\n', " ")
NUMBERS = (0.0, 1.0, 2.0, 10.0, -1.0, 0.5, 1e21, 1e-7, 1700000000000.0, NEGATIVE_ZERO)
KEYS = ("a", "b", "10", "9", "01", "", "_x", "with space", "A")

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS)
leaves = st.sampled_from(
    (None, True, False, *TEXTS, *NUMBERS, NOT_A_NUMBER, INFINITY, INT64_ONE, INT64_LARGE, BYTES, 1.0, "a")
)
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=4,
)
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(KEYS), values, max_size=3)

# What JavaScript callers send where something else belongs.
junk = st.sampled_from((None, True, False, 0.0, 5.0, -1.0, 1.5, "", "abc", "5", [], ["a"], [None], {}, {"id": "a"}))

# Text that JSON.parse reads, and text that it refuses.
json_objects = st.sampled_from(
    (
        "{}",
        '{"a":1}',
        '{"b":null,"a":[1,2.50,-0,1e3]}',
        '{"10":1,"9":2,"a":{"b":{"c":true}}}',
        '{"a":{"b":2,"x":null},"c":["\\u00e4日"]}',
        '{"a":[1],"b":{"a":1}}',
    )
)
# Field names that may stand in text, but in no value.
reserved_names = st.sampled_from(('{"$or":[{"a":1}]}', '{"ä":1}', '{"context":{"$s":{"$in":[]}}}'))
json_scalars = st.sampled_from(("null", "5", '"text"', "[]", "[1,null]", "true", '"{\\"a\\":1}"'))
json_faults = st.sampled_from(("", " ", "{", "nul", "{'a':1}", '{"a":1,}', "[1", "undefined", "{}x", '"a', '{"a" 1}'))
json_texts = st.one_of(json_objects, json_objects, json_objects, json_scalars, json_faults)


def is_plain_json(value: Any) -> bool:
    """Whether a value can stand in JSON text: numbers that JSON lacks are objects in encoded form."""
    if isinstance(value, dict):
        return not any(name.startswith("$") for name in value) and all(map(is_plain_json, value.values()))
    return all(map(is_plain_json, value)) if isinstance(value, list) else True

"""Text and comparisons of JavaScript, held against Node itself.

All cases go to one Node process, which runs the real `String`, `JSON`, `===` and `util.inspect` on them.
"""

import json
import math
import random
import struct
import subprocess
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.javascript import (
    inspect,
    is_less,
    is_less_or_equal,
    key_order,
    maximum,
    minimum,
    number_to_string,
    parse_json,
    plus,
    property_of,
    set_property,
    slice_from,
    slice_to,
    spread,
    strictly_equal,
    stringify,
    to_number,
    to_string,
    trim,
    truthy,
)
from pytest_mastra_convex.node_project import node_binary

Answers = dict[str, list[Any]]

PROGRAM = r"""
const { inspect } = require("node:util");
const bytes = (text) => Buffer.from(text, "base64");
const tags = {
  $integer: (text) => bytes(text).readBigInt64LE(),
  $float: (text) => bytes(text).readDoubleLE(),
  $bytes: (text) => new Uint8Array(bytes(text)).buffer,
  $undefined: () => undefined,
};
function value(json) {
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map(value);
  const [key] = Object.keys(json);
  if (key in tags) return tags[key](json[key]);
  return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, value(item)]));
}
const flat = { breakLength: Infinity, compact: true, depth: null, maxArrayLength: null, maxStringLength: null };
const operations = {
  number: (v) => String(v),
  stringify: (v) => JSON.stringify(v),
  inspect: (v) => inspect(v, flat),
  truthy: (v) => Boolean(v),
  text: (v) => String(v),
  equal: (pair) => pair[0] === pair[1],
  slice: (end) => ["a", "b", "c"].slice(0, end),
  sliceFrom: (start) => ["a", "b", "c"].slice(start),
  toNumber: (v) => String(Number(v)),
  plus: (pair) => { const sum = pair[0] + pair[1]; return typeof sum === "number" ? [String(sum)] : sum; },
  less: (pair) => pair[0] < pair[1],
  lessOrEqual: (pair) => pair[0] <= pair[1],
  max: (pair) => String(Math.max(...pair)),
  min: (pair) => String(Math.min(...pair)),
  trim: (text) => text.trim(),
  spread: (v) => ({ ...v }),
  length: (v) => String(v.length),
  keys: (v) => Object.keys(v),
  parseCorrupted: (text) => operations.parse(text),
  parse: (text) => { try { return JSON.stringify(JSON.parse(text)); } catch (e) { return { error: e.message }; } },
};
const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const answers = {};
for (const [name, given] of Object.entries(cases)) answers[name] = given.map((json) => operations[name](value(json)));
process.stdout.write(JSON.stringify(answers));
"""

# Seeded, so that a failure can be seen again.
chance = random.Random(20261121)


def random_float() -> float:
    (number,) = struct.unpack("<d", chance.randbytes(8))
    return 0.5 if math.isnan(number) else float(number)


NUMBERS: list[float] = [
    *(0.0, -0.0, 1.0, -1.0, 0.1, 0.1 + 0.2, 1 / 3, 123456.789, 100.0, 1e21, 123e20, 1e-6, 1e-7, 1.5e-7, 5e-324),
    *(2.0**53, 2.0**53 + 2, 1.7976931348623157e308, 4.35, 0.000001, 0.0000015, 1e20, 999999999999999900000.0),
    *(math.inf, -math.inf, math.nan),
    *(float(f"1e{exponent}") for exponent in range(-320, 309)),
    *(chance.uniform(-1000, 1000) for _ in range(300)),
    *(float(chance.randrange(2**70)) for _ in range(100)),
    *(random_float() for _ in range(1000)),
]
TEXTS = ["", "a", 'say "hi"', "back\\slash", "\n\r\t\b\f", "\0\x01\x1f", "\x7f", "é", "😀", "\u2028\u2029", "</script>"]
KEYS = ["a", "b", "", "10", "2", "01", "-1", "1.5", "4294967294", "4294967295", "é", 'q"']


def random_json(depth: int = 0) -> Any:
    choice = chance.randrange(7 if depth < 3 else 5)
    if choice < 5:
        return [None, True, chance.choice(TEXTS), chance.uniform(-9, 9), float(chance.randrange(100))][choice]
    if choice == 5:
        return [random_json(depth + 1) for _ in range(chance.randrange(4))]
    return {key: random_json(depth + 1) for key in chance.sample(KEYS, chance.randrange(5))}


JSON_VALUES: list[Any] = [
    *TEXTS,
    *(None, True, False, 1.0, 1.5, -0.0, math.nan, math.inf, [], {}, b"\1", [None, [1.0]]),
    *({"b": 1.0, "a": 2.0}, {"10": 1.0, "9": 2.0, "a": 3.0}, dict.fromkeys(KEYS)),
    *({"a": undefined, "b": 1.0}, [undefined, 1.0], {"a": {"b": undefined}}),
    *(random_json() for _ in range(300)),
]
# Only what `util.inspect` and object-inspect, which deployments use, show alike.
INSPECTED: list[Any] = [
    *("", "plain", "a\nb", "tab\tand\rreturn", "\0\x01\x1f\b\f\v", "back\\slash", "é😀"),
    *(None, undefined, True, 1.0, 1.5, -0.0, math.nan, -math.inf, 1e21, ConvexInt64(-5)),
    *([], [1.0, "a", [None]], {}, [{}, [[]]], [undefined, ConvexInt64(1)]),
]
TRUTHY: list[Any] = [
    *(0.0, -0.0, 1.0, -1.0, math.nan, math.inf, "", " ", "0", "false", None, undefined, True, False),
    *(ConvexInt64(0), ConvexInt64(1), [], [0.0], {}, {"a": None}, b"", b"\0"),
]
TO_TEXT: list[Any] = [
    *TEXTS,
    *(None, undefined, True, False, 1.0, -0.0, 1e21, math.nan, ConvexInt64(7), [], {}, {"a": 1.0}, b"a"),
    *([1.0, None, "a", [2.0, [True]], undefined], [{}], [ConvexInt64(1)]),
]
COMPARED: list[Any] = [0.0, -0.0, 1.0, math.nan, "1", "", None, undefined, True, False, ConvexInt64(1), [], {}]
# Copies, because a container is equal to itself and nothing else.
EQUAL: list[Any] = [[left, deepcopy(right)] for left in COMPARED for right in COMPARED]
ENDS: list[Any] = [
    0.0,
    1.0,
    2.9,
    3.0,
    9.0,
    -1.0,
    -2.5,
    -9.0,
    -0.5,
    math.inf,
    -math.inf,
    math.nan,
    undefined,
    None,
    True,
]
OPERANDS: list[Any] = [
    *(0.0, 1.0, -2.5, math.nan, math.inf, "", "a", "10", "9", " 5 ", "\ufffd", "\U0001f600", "Infinity"),
    *(None, undefined, True, False, [], [1.0], [1.0, 2.0], {}, {"a": 1.0}),
]
PAIRS: list[Any] = [[left, right] for left in OPERANDS for right in OPERANDS]
FLOATS: list[Any] = [0.0, 1.0, -1.0, 2.5, math.nan, math.inf, -math.inf]
AS_NUMBERS: list[Any] = [
    *OPERANDS,
    *("1.5e3", ".5", "5.", "-0", "+1", "1e1000", "0x1F", "0b101", "0o17", "0b2", "+0x1", "1_000", "12px", "1 2"),
    *("\n\t7\u00a0", "\ufeff7", "--1", "e5", "Infinity", "-Infinity", "infinity", "NaN", "\u0661", [[["3"]]], b"1"),
    ConvexInt64(7),
]
TRIMMED = ["", " a ", "\t\n\v\f\r a", "\u00a0a\u3000", "\ufeffa\u2028", "\u200ba\u200b", "\x1fa", "a b"]
SPREAD: list[Any] = [{"a": 1.0}, {}, ["x", None], [], "ab", "", None, undefined, 5.0, True]
MEASURED: list[Any] = ["", "ab", "é", "\U0001f600", [], [1.0, None], {"length": 5.0}, {}, 5.0, True]
PARSED = [
    *("1", "-1.5e3", '"a"', "[]", "{}", " [ 1 , 2 ] ", '{"b":1,"a":[null,true,false]}', '{"a":1,"b":2,"a":3}', "\t1\n"),
    *('"\\u0041\\n\\ud83d\\ude00"', '{"10":1,"9":2,"x":3}', "12345678901234567890", "1e400", '"\\u2028"', "0.1", "-0"),
    *(stringify(random_json()) for _ in range(100)),
]
# Refused by both; what the text says differs by the place and is held against V8's own.
REFUSED = [
    *("", " ", "x", "undefined", "[object Object]", "{", "[", "[1", '{"a"', '{"a":', "nul", "tru"),
    *("{x}", "[1,]", "[1 2]", '{"a":1,}', "'a'", "hello world", '{"a":hello}', "[1, 2, oops, 4, 5, 6, 7]"),
    *("NaN", "Infinity", "-", "01", "1.", ".5", "+1", "1 2", '"abc', '"a\nb"', '"\\x"', "[,1]", "{,}"),
]


def corrupted(text: str) -> str:
    """The text with one character taken out, put in or changed."""
    place = chance.randrange(len(text) + 1)
    inserted: str = chance.choice(["", *'[]{}",:0-.e \\nx\t'])
    return text[:place] + inserted + text[place + chance.randrange(2) :]


CORRUPTED = [corrupted(stringify(random_json())) for _ in range(600)]


def as_json(value: Any) -> Any:
    """The encoded form, with ``undefined`` where Node is to see it."""
    if value is undefined:
        return {"$undefined": None}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return encode(value)


CASES: dict[str, list[Any]] = {
    "number": NUMBERS,
    "stringify": JSON_VALUES,
    "inspect": INSPECTED,
    "truthy": TRUTHY,
    "text": TO_TEXT,
    "equal": EQUAL,
    "slice": ENDS,
    "sliceFrom": ENDS,
    "toNumber": AS_NUMBERS,
    "plus": PAIRS,
    "less": PAIRS,
    "lessOrEqual": PAIRS,
    "max": [[left, right] for left in FLOATS for right in FLOATS],
    "min": [[left, right] for left in FLOATS for right in FLOATS],
    "trim": TRIMMED,
    "spread": SPREAD,
    "length": MEASURED,
    "keys": [dict.fromkeys(KEYS), {"b": 1.0, "a": 2.0}, {}],
    "parse": [*PARSED, *REFUSED],
    "parseCorrupted": CORRUPTED,
}


@pytest.fixture(scope="session")
def node() -> Answers:
    """What Node answers to each of ``CASES``."""
    given = json.dumps({name: [as_json(case) for case in cases] for name, cases in CASES.items()})
    finished = subprocess.run(
        [node_binary(), "-e", PROGRAM], input=given.encode(), capture_output=True, check=True, timeout=60
    )
    answers: Answers = json.loads(finished.stdout)
    return answers


def differences(cases: list[Any], answers: list[Any], function: Callable[[Any], Any]) -> list[tuple[Any, Any, Any]]:
    """Each case with what we say and what Node says, where the two differ."""
    ours = [function(case) for case in cases]
    return [pair for pair in zip(cases, ours, answers, strict=True) if pair[1] != pair[2]]


def test_numbers_are_written_as_node_writes_them(node: Answers) -> None:
    assert differences(NUMBERS, node["number"], number_to_string) == []


def test_json_is_written_as_node_writes_it(node: Answers) -> None:
    assert differences(JSON_VALUES, node["stringify"], stringify) == []


def test_logged_values_are_shown_as_node_shows_them(node: Answers) -> None:
    assert differences(INSPECTED, node["inspect"], inspect) == []


def test_truth_is_what_node_says(node: Answers) -> None:
    assert differences(TRUTHY, node["truthy"], truthy) == []


def test_text_of_a_value_is_what_node_says(node: Answers) -> None:
    assert differences(TO_TEXT, node["text"], to_string) == []


def test_strict_equality_is_what_node_says(node: Answers) -> None:
    assert differences(EQUAL, node["equal"], lambda pair: strictly_equal(*pair)) == []


def test_slices_end_where_node_ends_them(node: Answers) -> None:
    assert differences(ENDS, node["slice"], lambda end: slice_to(["a", "b", "c"], end)) == []


def test_slices_begin_where_node_begins_them(node: Answers) -> None:
    assert differences(ENDS, node["sliceFrom"], lambda start: slice_from(["a", "b", "c"], start)) == []


def test_numbers_are_made_as_node_makes_them(node: Answers) -> None:
    assert differences(AS_NUMBERS, node["toNumber"], lambda value: number_to_string(to_number(value))) == []


def test_addition_is_that_of_node(node: Answers) -> None:
    def added(pair: list[Any]) -> Any:
        result = plus(*pair)
        return [number_to_string(result)] if isinstance(result, float) else result

    assert differences(PAIRS, node["plus"], added) == []


def test_order_is_that_of_node(node: Answers) -> None:
    assert differences(PAIRS, node["less"], lambda pair: is_less(*pair)) == []
    assert differences(PAIRS, node["lessOrEqual"], lambda pair: is_less_or_equal(*pair)) == []


def test_extremes_are_those_of_node(node: Answers) -> None:
    assert differences(CASES["max"], node["max"], lambda pair: number_to_string(maximum(*pair))) == []
    assert differences(CASES["min"], node["min"], lambda pair: number_to_string(minimum(*pair))) == []


def test_texts_are_trimmed_as_node_trims_them(node: Answers) -> None:
    assert differences(TRIMMED, node["trim"], trim) == []


def test_values_are_spread_as_node_spreads_them(node: Answers) -> None:
    assert differences(SPREAD, node["spread"], spread) == []


def test_length_is_what_node_says(node: Answers) -> None:
    def length(value: Any) -> str:
        return to_string(property_of(value, "length"))

    assert differences(MEASURED, node["length"], length) == []


def test_keys_come_in_the_order_of_node(node: Answers) -> None:
    assert differences(CASES["keys"], node["keys"], key_order) == []


def test_json_is_read_as_node_reads_it(node: Answers) -> None:
    assert differences(PARSED, node["parse"][: len(PARSED)], lambda text: stringify(parse_json(text))) == []


@pytest.mark.parametrize("text", REFUSED)
def test_text_that_is_no_json_is_refused_in_the_words_of_node(node: Answers, text: str) -> None:
    with pytest.raises(SyntaxError, match=r"JSON|control character|property name") as caught:
        parse_json(text)

    assert {"error": str(caught.value)} == node["parse"][len(PARSED) + REFUSED.index(text)]


def test_corrupted_json_is_read_or_refused_as_node_does(node: Answers) -> None:
    def read(text: str) -> Any:
        try:
            return stringify(parse_json(text))
        except SyntaxError as error:
            return {"error": str(error)}

    assert differences(CORRUPTED, node["parseCorrupted"], read) == []


# What Node cannot be asked in JSON


def test_literal_too_large_for_a_number_is_infinity() -> None:
    assert parse_json("1e400") == math.inf


def test_negative_zero_is_read_with_its_sign() -> None:
    assert math.copysign(1, parse_json("-0")) == -1


# `JSON.parse(value)` first makes text of its argument: `JSON.parse(null)` is null.
@pytest.mark.parametrize(("given_value", "read"), [(None, None), (1.5, 1.5), (True, True), (["1"], 1.0)])
def test_json_is_read_from_the_text_of_any_value(given_value: Any, read: Any) -> None:
    assert parse_json(given_value) == read


@pytest.mark.parametrize("value", [ConvexInt64(1), [ConvexInt64(1)], {"a": ConvexInt64(1)}])
def test_int64_has_no_json(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^Do not know how to serialize a BigInt$"):
        stringify(value)


def test_containers_are_strictly_equal_to_themselves_only() -> None:
    items: list[Any] = [1.0]

    assert strictly_equal(items, items)
    assert not strictly_equal(items, [1.0])
    assert not strictly_equal(b"a", bytes(bytearray(b"a")))


def test_slice_leaves_the_list_as_it_is() -> None:
    items = [1.0, 2.0]

    assert slice_to(items, undefined) == items
    assert slice_to(items, undefined) is not items


def test_property_of_an_object_is_its_value() -> None:
    assert property_of({"a": 1.0}, "a") == 1.0


@pytest.mark.parametrize("value", [{"b": 1.0}, 1.0, "text", True])
def test_property_that_is_not_there_is_undefined(value: Any) -> None:
    assert property_of(value, "a") is undefined


@pytest.mark.parametrize(("value", "name"), [(None, "null"), (undefined, "undefined")])
def test_property_of_nothing_is_a_type_error(value: Any, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^Cannot read properties of {name} \(reading 'a'\)$"):
        property_of(value, "a")


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [(["a", "b"], "1", "b"), ("ab", "0", "a"), (["a"], "1", undefined), ("ab", "x", undefined)],
)
def test_elements_are_properties(value: Any, name: str, found: Any) -> None:
    assert property_of(value, name) == found


def test_property_of_an_object_is_set() -> None:
    target: dict[str, Any] = {"a": 1.0}

    set_property(target, "b", 2.0)

    assert target == {"a": 1.0, "b": 2.0}


# JSON shows the holes of a list as null and its other properties not at all.
def test_element_of_a_list_is_set() -> None:
    target: list[Any] = ["a"]

    set_property(target, "2", "c")
    set_property(target, "name", "unseen")

    assert target == ["a", None, "c"]


@pytest.mark.parametrize(("target", "text"), [("ab", "string 'ab'"), (5.0, "number '5'"), (True, "boolean 'true'")])
def test_property_of_a_primitive_cannot_be_set(target: Any, text: str) -> None:
    with pytest.raises(TypeError, match=f"^Cannot create property 'x' on {text}$"):
        set_property(target, "x", 1.0)


# convex-backend npm-packages/udf-runtime/src/02_console.ts: object-inspect with an indent writes each field into a line
# of its own, lists into one line unless something in them takes several, and names bare if they are of `[A-Za-z0-9_$]`.
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param({"a": 1.0, "b": "x"}, "{\n  a: 1,\n  b: 'x'\n}", id="object"),
        pytest.param({"a": {"b": None}}, "{\n  a: {\n    b: null\n  }\n}", id="object-in-object"),
        pytest.param({"a": {}}, "{\n  a: {}\n}", id="empty-object-in-object"),
        pytest.param({"a": [1.0, 2.0]}, "{\n  a: [ 1, 2 ]\n}", id="list-in-object"),
        pytest.param([1.0, {"a": 2.0}], "[\n  1,\n  {\n    a: 2\n  }\n]", id="object-in-list"),
        pytest.param({"a": undefined}, "{\n  a: undefined\n}", id="undefined"),
        pytest.param({"a b": 1.0, "it's": 2.0}, "{\n  'a b': 1,\n  'it\\'s': 2\n}", id="quoted-names"),
        pytest.param({"9": 1.0, "1a": 2.0, "": 3.0}, "{\n  9: 1,\n  1a: 2,\n  : 3\n}", id="bare-names"),
        pytest.param([[[[[1.0]]]]], "[ [ [ [ [ 1 ] ] ] ] ]", id="five-levels"),
        pytest.param([[[[[[]]]]]], "[ [ [ [ [ [Array] ] ] ] ] ]", id="list-in-five-levels"),
        pytest.param([[[[[{}]]]]], "[ [ [ [ [ [Object] ] ] ] ] ]", id="object-in-five-levels"),
        pytest.param(b"\x01", "ArrayBuffer [ArrayBuffer] {}", id="bytes"),
    ],
)
def test_logged_objects_are_shown_as_a_deployment_shows_them(value: Any, shown: str) -> None:
    assert inspect(value) == shown


# object-inspect escapes the quote; Node's own inspect would change to double quotes instead.
def test_quote_in_logged_text_is_escaped() -> None:
    assert inspect("it's") == r"'it\'s'"

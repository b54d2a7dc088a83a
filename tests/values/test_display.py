"""How values and sizes stand in error texts: convex-engine.md §0 and §1.4."""

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.values import undefined
from convex_mastra_emulator.values.display import character, display, human_size, quoted, rust_float, type_name


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (undefined, "undefined"),
        (True, "true"),
        (False, "false"),
        (ConvexInt64(5), "5"),
        (ConvexInt64(-(2**63)), "-9223372036854775808"),
        (1.0, "1.0"),
        ('a"b\n', r'"a\"b\n"'),
        (b"\0\1", 'b"AAE="'),
        ([], "[]"),
        ([1.0, "a", None], '[1.0, "a", null]'),
        ({}, "{}"),
        ({"k2": [True], "k": {"a b": 1.0}}, "{k: {a b: 1.0}, k2: [true]}"),
        ({"b": 1.0, "B": 2.0, "_a": 3.0}, "{B: 2.0, _a: 3.0, b: 1.0}"),
    ],
)
def test_value_is_shown_as_the_deployment_shows_it(value: Any, shown: str) -> None:
    assert display(value) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (100.0, "100.0"),
        (0.0001, "0.0001"),
        (0.00001, "1e-5"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e16"),
        (1.25e300, "1.25e300"),
        (5e-324, "5e-324"),
        (float("nan"), "NaN"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
    ],
)
def test_float_is_shown_as_rust_shows_it(number: float, shown: str) -> None:
    assert rust_float(number) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it's", '"it\'s"'),
        ("\t\r\n\\", r'"\t\r\n\\"'),
        ("\0", r'"\0"'),
        ("\x01\x7f", r'"\u{1}\u{7f}"'),
        ("é 😀", '"é 😀"'),
        ("\u200b", r'"\u{200b}"'),
    ],
)
def test_text_is_quoted_as_rust_quotes_it(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("char", "shown"), [("-", "'-'"), ("'", r"'\''"), ('"', "'\"'"), ("\n", r"'\n'"), ("é", "'é'")]
)
def test_character_is_quoted_as_rust_quotes_it(char: str, shown: str) -> None:
    assert character(char) == shown


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "Null"),
        (ConvexInt64(1), "Int64"),
        (1.0, "Float64"),
        (True, "Boolean"),
        ("a", "String"),
        (b"a", "Bytes"),
        ([], "Array"),
        ({}, "Object"),
        (undefined, "undefined"),
    ],
)
def test_type_has_the_name_of_error_texts(value: Any, name: str) -> None:
    assert type_name(value) == name


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (900, "900 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1025, "1.00 KiB"),
        (1_048_576, "1 MiB"),
        (1_048_577, "1.00 MiB"),
        (1_572_864, "1.50 MiB"),
        (16_777_216, "16 MiB"),
        (33_554_432, "32 MiB"),
        (1 << 30, "1 GiB"),
    ],
)
def test_size_is_shown_as_humansize_shows_it(size: int, shown: str) -> None:
    assert human_size(size) == shown

"""The texts of JSON.parse's SyntaxErrors, each as Node 24 (V8 13.6) gives it."""

from __future__ import annotations

import pytest

from convex_mastra_emulator.values.javascript import parse_json
from convex_mastra_emulator.values.json_syntax import syntax_error_text, utf16_units

AT_START = "in JSON at position 1 (line 1 column 2)"

TEXTS = {
    # The end
    "": "Unexpected end of JSON input",
    " ": "Unexpected end of JSON input",
    "nul": "Unexpected end of JSON input",
    '"a\\': "Unexpected end of JSON input",
    # Objects
    "{": f"Expected property name or '}}' {AT_START}",
    "{'a':1}": f"Expected property name or '}}' {AT_START}",
    "{1:2}": f"Expected property name or '}}' {AT_START}",
    '{"a" 1}': "Expected ':' after property name in JSON at position 5 (line 1 column 6)",
    '{"a"': "Expected ':' after property name in JSON at position 4 (line 1 column 5)",
    '{"a":1': "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)",
    '{"a":1 "b"}': "Expected ',' or '}' after property value in JSON at position 7 (line 1 column 8)",
    '{"a":1,}': "Expected double-quoted property name in JSON at position 7 (line 1 column 8)",
    '{"a":1,\n b:2}': "Expected double-quoted property name in JSON at position 9 (line 2 column 2)",
    '{"a":}': 'Unexpected token \'}\', "{"a":}" is not valid JSON',
    # Lists
    "[1": "Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)",
    "[1 2]": "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)",
    "[1,]": "Unexpected token ']', \"[1,]\" is not valid JSON",
    "[,1]": "Unexpected token ',', \"[,1]\" is not valid JSON",
    # Numbers
    "01": f"Unexpected number {AT_START}",
    "-": f"No number after minus sign {AT_START}",
    "[-]": "No number after minus sign in JSON at position 2 (line 1 column 3)",
    "-Infinity": f"No number after minus sign {AT_START}",
    "1.": "Unterminated fractional number in JSON at position 2 (line 1 column 3)",
    "1.e5": "Unterminated fractional number in JSON at position 2 (line 1 column 3)",
    "1e": "Exponent part is missing a number in JSON at position 2 (line 1 column 3)",
    "+1": "Unexpected token '+', \"+1\" is not valid JSON",
    ".5": "Unexpected token '.', \".5\" is not valid JSON",
    # Texts
    '"a': "Unterminated string in JSON at position 2 (line 1 column 3)",
    '"\\x"': "Bad escaped character in JSON at position 2 (line 1 column 3)",
    '"\\u12"': "Bad Unicode escape in JSON at position 5 (line 1 column 6)",
    '"\\u': "Bad Unicode escape in JSON at position 3 (line 1 column 4)",
    '"\t"': f"Bad control character in string literal {AT_START}",
    # Words
    "nulx": "Unexpected token 'x', \"nulx\" is not valid JSON",
    "tru,": "Unexpected token ',', \"tru,\" is not valid JSON",
    "undefined": '"undefined" is not valid JSON',
    "[object Object]": '"[object Object]" is not valid JSON',
    "NaN": '"NaN" is not valid JSON',
    "Infinity": '"Infinity" is not valid JSON',
    "\u00a01": "Unexpected token '\u00a0', \"\u00a01\" is not valid JSON",
    # Something after the value
    "{}x": "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)",
    '{"a":1}}': "Unexpected non-whitespace character after JSON at position 7 (line 1 column 8)",
    '5 "a"': "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)",
}


@pytest.mark.parametrize(("source", "text"), TEXTS.items())
def test_text_of_a_syntax_error(source: str, text: str) -> None:
    assert syntax_error_text(source) == text


# Ten characters are shown on each side; up to twenty are shown whole.
@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x" * 20, '"xxxxxxxxxxxxxxxxxxxx"'),
        ("x" * 21, '"xxxxxxxxxx"...'),
        ('{"aaaaaaaaaaaaaaaaaaaaa": x, "bbbbbbbbbbbbbb":1}', '..."aaaaaaa": x, "bbbbbb"...'),
        ('{"aaaaaaaaaaaaaaaaaaaaa": x}', '..."aaaaaaa": x}"'),
    ],
)
def test_surroundings_of_a_token(source: str, shown: str) -> None:
    assert syntax_error_text(source) == f"Unexpected token 'x', {shown} is not valid JSON"


def test_positions_count_utf16_units() -> None:
    assert syntax_error_text('{"😀":1 2}') == (
        "Expected ',' or '}' after property value in JSON at position 8 (line 1 column 9)"
    )


# Half a character in an error text would be refused on its way to the client.
def test_half_a_character_is_replaced() -> None:
    assert syntax_error_text("😀") == "Unexpected token '\ufffd', \"😀\" is not valid JSON"


def test_parsing_raises_the_text() -> None:
    with pytest.raises(SyntaxError, match="Unexpected end of JSON input"):
        parse_json("")


@pytest.mark.parametrize(("text", "units"), [("ab", 2), ("ä", 1), ("😀", 2)])
def test_utf16_units(text: str, units: int) -> None:
    assert len(utf16_units(text)) == units

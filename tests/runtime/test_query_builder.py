"""The options of a page as functions in Python give them: read as JSON carries them to a deployment."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, query, undefined


def page_with(emulator: Emulator, **options: Any) -> Any:
    def read(ctx: Any, args: Any) -> Any:
        return ctx.db.query("builder_rows").paginate({"numItems": 1, "cursor": None, **options})

    emulator.define("builder:page", query(read))
    return emulator.query("builder:page", {})


# A cursor that is no text was an error of Python, with its words.
@pytest.mark.parametrize("name", ["cursor", "endCursor"])
@pytest.mark.parametrize(
    ("cursor", "kind"),
    [(5, "integer `5`"), (2.5, "floating point `2.5`"), (True, "boolean `true`"), (["a"], "sequence"), ({}, "map")],
    ids=["integer", "float", "boolean", "list", "object"],
)
def test_cursor_that_is_no_text_is_refused(emulator: Emulator, name: str, cursor: Any, kind: str) -> None:
    with pytest.raises(
        FunctionError, match=f"Invalid arguments for `queryPage`: invalid type: {kind}, expected a string"
    ):
        page_with(emulator, **{name: cursor})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"numItems": 2.5}, "invalid type: floating point `2.5`"),
        ({"numItems": float("inf")}, "invalid type: null"),
        ({"maximumRowsRead": -1}, "invalid value: integer `-1`"),
        ({"maximumRowsRead": 0.5}, "invalid type: floating point `0.5`"),
        ({"maximumBytesRead": "9"}, 'invalid type: string "9"'),
        ({"maximumBytesRead": False}, "invalid type: boolean `false`"),
    ],
    ids=["fraction", "infinity", "minus", "half", "text", "boolean"],
)
def test_number_that_cannot_be_is_refused(emulator: Emulator, options: Any, problem: str) -> None:
    with pytest.raises(FunctionError, match=f"Invalid arguments for `queryPage`: {problem}, expected usize"):
        page_with(emulator, **options)


# `options.maximumRowsRead ?? null` in npm convex; JSON has no NaN and writes null.
@pytest.mark.parametrize("value", [None, undefined, float("nan")], ids=["null", "undefined", "nan"])
@pytest.mark.parametrize("name", ["cursor", "endCursor", "maximumRowsRead", "maximumBytesRead"])
def test_option_that_is_left_out_says_nothing(emulator: Emulator, name: str, value: Any) -> None:
    page = page_with(emulator, **{name: value})

    assert (page["page"], page["isDone"]) == ([], True)

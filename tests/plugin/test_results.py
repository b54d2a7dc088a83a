"""One case on one target, as it travels from a worker to the controller and into files."""

import json
import re
from typing import Any

import pytest

from pytest_mastra_convex.results import CaseResult, printable

RESULT = CaseResult(
    case="test_order.py::test_strings[é]",
    target="oracle",
    outcome="diverges",
    seconds=0.25,
    detail="assert 1 == 2",
    divergence="page-end",
    comment="Why it exists.",
    calls=("query notes:list {}", "→ []"),
)
REQUIRED: dict[str, Any] = {"case": "a.py::b", "target": "emulator", "outcome": "passed", "seconds": 1}


def test_result_comes_back_from_json() -> None:
    assert CaseResult.from_json(json.loads(json.dumps(RESULT.to_json()))) == RESULT


def test_result_needs_four_fields() -> None:
    assert CaseResult.from_json(REQUIRED) == CaseResult(case="a.py::b", target="emulator", outcome="passed", seconds=1)


@pytest.mark.parametrize("field", REQUIRED)
def test_missing_field_is_named(field: str) -> None:
    document = {name: value for name, value in REQUIRED.items() if name != field}

    with pytest.raises(ValueError, match=f"a result must have the field '{field}'"):
        CaseResult.from_json(document)


def test_unknown_field_is_named() -> None:
    with pytest.raises(ValueError, match="a result has no field 'when'; known are: case, target, outcome"):
        CaseResult.from_json({**REQUIRED, "when": "call"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("case", 5),
        ("outcome", "error"),
        ("seconds", "1"),
        ("seconds", True),
        ("detail", None),
        ("calls", "a line"),
        ("calls", [1]),
    ],
)
def test_value_of_another_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=re.escape(f"field '{field}' of a result cannot be {value!r}")):
        CaseResult.from_json({**REQUIRED, field: value})


# xdist sends text as UTF-8, which has no half characters; cases about half characters are what the suite is for.
def test_half_characters_do_not_stop_the_way_to_the_controller() -> None:
    result = CaseResult(
        case="a.py::b[\ud800]", target="emulator", outcome="failed", seconds=1, detail="\udfff", calls=("\ud83d",)
    )

    document = result.to_json()

    assert (document["case"], document["detail"], document["calls"]) == (r"a.py::b[\ud800]", r"\udfff", [r"\ud83d"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 😀\n\tline", "plain é 😀\n\tline"),
        ("a\x00b", r"a\x00b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b", r"\x9b"),
        ("\r", r"\r"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown

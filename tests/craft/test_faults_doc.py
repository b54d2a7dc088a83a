"""docs/faults.md is true: its tests run, and every kind of fault stands in its table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from convex_mastra_emulator import FaultKind

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FaultKind)
def test_kind_is_described(kind: FaultKind) -> None:
    assert f'| `"{kind.value}"` |' in PAGE


def test_examples_run(pytester: pytest.Pytester) -> None:
    in_process, with_plugin, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    pytester.makepyfile(test_in_process=in_process, test_with_plugin=with_plugin)

    pytester.runpytest_subprocess().assert_outcomes(passed=4)


# The lines that stand for themselves, with what they speak of.
def test_arguments_are_those_of_fail(pytester: pytest.Pytester) -> None:
    [lines] = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "at_message" in block]
    setting = "from convex_mastra_emulator import ConvexError, Emulator\nfaults = Emulator().faults\n"
    pytester.makepyfile(f"{setting}{lines}\n\ndef test_it():\n    assert len(faults) == 8\n")

    pytester.runpytest_subprocess().assert_outcomes(passed=1)

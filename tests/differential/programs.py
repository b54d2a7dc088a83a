"""Database programs on an emulator, past all functions: the probe's interpreter inside one mutation.

Values are in encoded form; the steps are those of `pytest_mastra_convex.probe.interpreter`.
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.values.json_text import parse_json, write_json
from pytest_mastra_convex.probe.interpreter import run_program

Program = list[dict[str, Any]]
Answers = list[dict[str, Any]]


def run_on(emulator: Emulator, steps: Program) -> Answers:
    """Run the steps one after the other; an error is caught as by a try and catch around the step."""
    answers: Answers = parse_json(emulator.run(lambda ctx: run_program(ctx, "mutation", write_json(steps))))
    return answers

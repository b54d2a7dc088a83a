"""Steps that let functions run later, and that read what the deployment keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convex_mastra_emulator.values.javascript import stringify
from pytest_mastra_convex.probe.forms import Frame, MalformedProgram

Json = dict[str, Any]

SCHEDULED = ("path", "args", "program", "function")
"""What a step may say of the function: its path and arguments, or a program for one of the probe's own."""


def run_schedule(method: str, when: str) -> Callable[[Any, Json, Frame], Any]:
    """A step that schedules: ``method`` of ``ctx.scheduler`` with what the step says under ``when``."""

    def run(ctx: Any, step: Json, frame: Frame) -> Any:
        return getattr(ctx.scheduler, method)(frame.value(step[when]), *_function(step, frame))

    return run


def _function(step: Json, frame: Frame) -> tuple[str, Any]:
    if "program" in step:
        program = stringify(frame.filled_in(step["program"]))
        return f"conformance/probe:{step.get('function', 'mutation')}", {"program": program}
    if "path" not in step:
        raise MalformedProgram(f"{step['op']} needs path or program")
    return step["path"], frame.value(step.get("args", {}))


def run_cancel(ctx: Any, step: Json, frame: Frame) -> None:
    """Cancels a scheduled function."""
    ctx.scheduler.cancel(frame.value(step["id"]))


def run_system_get(ctx: Any, step: Json, frame: Frame) -> Any:
    """Reads a document of a system table."""
    arguments = [step["table"]] if "table" in step else []
    return ctx.db.system.get(*arguments, frame.value(step["id"]))

"""Running programs on a deployment that has the probe: ``Probe(deployment).mutation(insert(…), get(ref(0)))``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from convex_mastra_emulator import Deployment, undefined
from convex_mastra_emulator.values.json_text import parse_json
from pytest_mastra_convex.probe import steps as build
from pytest_mastra_convex.probe.expressions import Expression
from pytest_mastra_convex.probe.steps import QueryOptions, Step
from pytest_mastra_convex.probe.values import decoded

_FOLDER = "conformance/probe"
# Their programs answer nobody.
_LATER = frozenset({"runAfter", "runAt"})


class StepFailed(Exception):
    """A step failed, and nobody looked whether it had.

    Attributes:
        text: the text of its error.
        data: what a ``ConvexError`` carried; ``undefined`` for any other error.
    """

    def __init__(self, text: str, data: Any = undefined) -> None:
        super().__init__(text)
        self.text = text
        self.data = data


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended.

    Attributes:
        answer: the value it answered; None if it failed.
        error: the text of its error; None if it did not fail.
        data: what a ``ConvexError`` carried; ``undefined`` for any other error.
    """

    answer: Any = None
    error: str | None = None
    data: Any = undefined

    @property
    def value(self) -> Any:
        """The value.

        Raises:
            StepFailed: if the step failed.
        """
        if self.error is not None:
            raise StepFailed(self.error, self.data)
        return self.answer


class Probe:
    """The probe of a deployment.

    A call that fails as a whole (a step that throws, an error that was not to be caught) raises what the deployment
    raises: ``FunctionError`` or ``ConvexError``.

    Args:
        deployment: an emulator that has :data:`~pytest_mastra_convex.probe.FUNCTIONS`, or any other deployment to
            which the folder ``convex/conformance`` was pushed.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    # Programs

    def query(self, *steps: Step) -> list[StepResult]:
        """Runs steps in one query."""
        return self._run(self.deployment.query, "query", steps)

    def mutation(self, *steps: Step) -> list[StepResult]:
        """Runs steps in one mutation."""
        return self._run(self.deployment.mutation, "mutation", steps)

    def action(self, *steps: Step) -> list[StepResult]:
        """Runs steps in one action."""
        return self._run(self.deployment.action, "action", steps)

    def _run(self, call: Callable[[str, Any], Any], name: str, steps: Sequence[Step]) -> list[StepResult]:
        program = json.dumps(steps, ensure_ascii=False, separators=(",", ":"))
        return _results(steps, parse_json(call(f"{_FOLDER}:{name}", {"program": program})))

    # One step

    def insert(self, table: str, value: Any) -> str:
        """Stores a document and returns its id."""
        return str(self._write(build.insert(table, value)))

    def patch(self, id: str, value: Any) -> None:
        """Merges fields into a document."""
        self._write(build.patch(id, value))

    def replace(self, id: str, value: Any) -> None:
        """Replaces a document."""
        self._write(build.replace(id, value))

    def delete(self, id: str) -> None:
        """Deletes a document."""
        self._write(build.delete(id))

    def get(self, id: str) -> dict[str, Any] | None:
        """A document, or None."""
        document: dict[str, Any] | None = self._read(build.get(id))
        return document

    def collect(self, table: str, **options: Unpack[QueryOptions]) -> list[dict[str, Any]]:
        """All documents a query finds."""
        return list(self._read(build.query(table, **options)))

    def take(self, table: str, number: int, **options: Unpack[QueryOptions]) -> list[dict[str, Any]]:
        """The first ``number`` documents."""
        return list(self._read(build.query(table, take=number, **options)))

    def first(self, table: str, **options: Unpack[QueryOptions]) -> dict[str, Any] | None:
        """The first document, or None."""
        document: dict[str, Any] | None = self._read(build.query(table, first=True, **options))
        return document

    def unique(self, table: str, **options: Unpack[QueryOptions]) -> dict[str, Any] | None:
        """The only document, or None."""
        document: dict[str, Any] | None = self._read(build.query(table, unique=True, **options))
        return document

    def count(self, table: str, **options: Unpack[QueryOptions]) -> int:
        """How many documents a query finds."""
        return int(self._read(build.query(table, count=True, **options)))

    def paginate(self, table: str, paginate: Mapping[str, Any], **options: Unpack[QueryOptions]) -> dict[str, Any]:
        """One page: ``page``, ``isDone``, ``continueCursor`` and what else the deployment answers."""
        return dict(self._read(build.query(table, paginate=paginate, **options)))

    def vector_search(
        self, table: str, index: str, vector: Any, *, limit: Any = None, filter: Expression | None = None
    ) -> list[dict[str, Any]]:
        """The documents nearest to ``vector``: ``[{"_id", "_score"}]``."""
        step = build.vector_search(table, index, vector, limit=limit, filter=filter)
        return list(self.action(step)[0].value)

    def _write(self, step: Step) -> Any:
        return self.mutation(step)[0].value

    def _read(self, step: Step) -> Any:
        return self.query(step)[0].value

    # The probe itself

    def about(self) -> dict[str, Any]:
        """What the probe says of itself: ``isTest`` and its version ``probe``."""
        return dict(self.deployment.query(f"{_FOLDER}:about", {}))

    def clear(self) -> int:
        """Empties the conformance tables; returns how many documents there were."""
        total = 0
        while deleted := int(self.deployment.mutation(f"{_FOLDER}:clear", {})):
            total += deleted
        return total


def _results(steps: Sequence[Step], answers: list[dict[str, Any]]) -> list[StepResult]:
    return [_result(step, answer) for step, answer in zip(steps, answers, strict=True)]


def _result(step: Step, answer: dict[str, Any]) -> StepResult:
    if "error" in answer:
        data = decoded(answer["data"]) if "data" in answer else undefined
        return StepResult(error=answer["error"], data=data)
    # A program inside a program answers as this one does.
    inner = None if step["op"] in _LATER else step.get("program", step.get("steps"))
    if inner is not None and answer["value"] is not None:
        return StepResult(answer=_results(inner, answer["value"]))
    return StepResult(answer=decoded(answer["value"]))

"""Playing the same on two deployments, and comparing what they answer.

Ids, creation times and cursors are each deployment's own.  So programs are templates that each side fills in with its
own ones, and answers are compared with names for ids.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from convex_mastra_emulator import ConvexError, Deployment, FunctionError, undefined
from convex_mastra_emulator.values.codec import encode
from pytest_mastra_convex.comparison import (
    VECTOR_SEARCH_FIELDS,
    Answer,
    Naming,
    assert_same,
    assert_same_answer,
    assert_same_ranking,
)
from pytest_mastra_convex.probe import Probe, StepResult, log

Step: TypeAlias = dict[str, Any]
Cursors: TypeAlias = tuple[Any, Any]

# Cursors are each deployment's own, and how it would split a page is a matter of them.
_OF_PAGES = ("page", "isDone")
# What stands for a step about a document that nobody has made yet.
_NOTHING = log()


class _NotMade(Exception):
    """A template names a document of a table in which there was none."""


@dataclass(slots=True)
class Side:
    """One of the two deployments.

    Attributes:
        number: 0 or 1.
        deployment: what is called.
        naming: names for its ids.
        ids: of the documents that programs stored, by table, in the order of their creation.
    """

    number: int
    deployment: Deployment
    naming: Naming = field(default_factory=Naming)
    ids: dict[str, list[str]] = field(default_factory=dict)

    def program(self, template: Sequence[Step]) -> list[Step]:
        """The program with this deployment's own ids and creation times."""
        return [self._step(step) for step in template]

    def _step(self, step: Step) -> Step:
        try:
            filled: Step = self._filled(step)
        except _NotMade:
            return _NOTHING
        return filled

    def _filled(self, template: Any) -> Any:
        if isinstance(template, list):
            return [self._filled(item) for item in template]
        if not isinstance(template, dict):
            return template
        if "$known" in template:
            return self._known(*template["$known"])
        if "$each" in template:
            return template["$each"][self.number]
        if "$created" in template:
            created = self.naming.creation_time(self._known(*template["$created"]))
            if created is None:
                raise _NotMade
            return created
        # A step in a nested program has its own fate.
        return {
            name: self.program(item) if name in ("program", "steps") else self._filled(item)
            for name, item in template.items()
        }

    def _known(self, table: str, turn: int) -> str:
        ids = self.ids.get(table)
        if not ids:
            raise _NotMade
        return ids[turn % len(ids)]

    def call(self, kind: str, path: str, args: Mapping[str, Any]) -> Answer:
        """Calls a function; the answer is encoded and has names for ids."""
        try:
            value = getattr(self.deployment, kind)(path, args)
        except (ConvexError, FunctionError) as error:
            return self._thrown(error)
        return Answer(value=self.naming.canonical(encode(value)))

    def run(self, kind: str, program: Sequence[Step]) -> list[StepResult] | Answer:
        """Runs a program of the probe; an answer if it failed as a whole."""
        try:
            results: list[StepResult] = getattr(Probe(self.deployment), kind)(*program)
        except (ConvexError, FunctionError) as error:
            return self._thrown(error)
        return results

    def _thrown(self, error: ConvexError | FunctionError) -> Answer:
        if isinstance(error, ConvexError):
            return Answer(error=f"ConvexError {json.dumps(self.naming.canonical(encode(error.data)))}")
        return Answer(error=self.naming.text(error.message))

    def answer(self, result: StepResult) -> Answer:
        """How a step ended, with names for ids."""
        if result.error is None:
            return Answer(value=self.naming.canonical(encode(result.answer)))
        if result.data is undefined:
            return Answer(error=self.naming.text(result.error))
        # Its text is made of what it carries, and not in the same way everywhere.
        return Answer(error=f"ConvexError {json.dumps(self.naming.canonical(encode(result.data)))}")

    def made(self, table: str, document_id: str) -> Answer:
        """Notes a new document; the answer is its name."""
        self.ids.setdefault(table, []).append(document_id)
        return Answer(value=self.naming.name(document_id))


class Sides:
    """Two deployments that should do the same.

    Args:
        first: the one whose faults are looked for.
        second: the other one.
        against_oracle: whether the second one is the oracle.

    Attributes:
        both: the two sides.
        steps_played: how many operations they did so far, those that failed among them.
    """

    def __init__(self, first: Deployment, second: Deployment, *, against_oracle: bool) -> None:
        self.both = (Side(0, first), Side(1, second))
        self.steps_played = 0
        self._against_oracle = against_oracle

    def play(self, kind: str, template: Sequence[Step]) -> None:
        """Runs a program on both.

        Raises:
            AssertionError: if they answer differently; shows the program, both answers, and where they differ.
        """
        self._played(kind, template)

    def play_page(self, query: Step, size: int, cursors: Cursors) -> Cursors | None:
        """Reads one page on both; the cursors for the next one, or None after the last.

        Raises:
            AssertionError: if they answer differently.
        """
        paginate = {"numItems": float(size), "cursor": {"$each": list(cursors)}}
        pages = [outcome[0].answer for outcome in self._played("query", [{**query, "paginate": paginate}])]
        if not pages or not all(pages) or pages[0]["isDone"]:
            return None
        if self._against_oracle and pages[1]["isDone"]:
            self._expect_end(query, pages[0]["continueCursor"])
            return None
        return pages[0]["continueCursor"], pages[1]["continueCursor"]

    def _expect_end(self, query: Step, cursor: Any) -> None:
        side = self.both[0]
        (step,) = side.program([query])
        results = side.run("query", [{**step, "paginate": {"numItems": 1.0, "cursor": cursor}}])
        assert isinstance(results, list), results
        end = results[0].value
        assert_same(f"after the last page of {json.dumps(query)}", [end["page"], end["isDone"]], [[], True])

    def play_call(self, kind: str, path: str, args: Mapping[str, Any]) -> None:
        """Calls a function on both.

        Raises:
            AssertionError: if they answer differently.
        """
        self.steps_played += 1
        first, second = (side.call(kind, path, args) for side in self.both)
        what = f"{kind} {path} {json.dumps(encode(args), ensure_ascii=False)}"
        _explained([first, second], lambda: assert_same_answer(what, first, second))

    def compare_tables(self, tables: Sequence[str]) -> None:
        """Compares all that is stored, in the order of its creation.

        Raises:
            AssertionError: if it differs.
        """
        for table in tables:
            outcomes = [side.run("query", [{"op": "query", "table": table}]) for side in self.both]
            answers = [
                outcome if isinstance(outcome, Answer) else side.answer(outcome[0])
                for side, outcome in zip(self.both, outcomes, strict=True)
            ]
            _explained(answers, partial(assert_same_answer, f"table {table}", *answers))

    def _played(self, kind: str, template: Sequence[Step]) -> list[list[StepResult]]:
        """Runs a program on both and compares; the results of both, or nothing if it failed as a whole."""
        self.steps_played += _count(template)
        programs = [side.program(template) for side in self.both]
        outcomes = [side.run(kind, program) for side, program in zip(self.both, programs, strict=True)]
        results = [outcome for outcome in outcomes if not isinstance(outcome, Answer)]
        what = f"{kind} program {json.dumps(programs[0], ensure_ascii=False)}"
        if len(results) == len(self.both):
            _explained(outcomes, lambda: self._compare_results(what, template, results))
            return results
        answers = [each if isinstance(each, Answer) else Answer(value="it ended well") for each in outcomes]
        _explained(outcomes, lambda: assert_same_answer(what, *answers))
        return []

    def _compare_results(self, what: str, template: Sequence[Step], results: Sequence[Sequence[StepResult]]) -> None:
        for number, step in enumerate(template):
            self._compare_step(f"{what}\nstep {number}", step, [each[number] for each in results])

    def _compare_step(self, what: str, step: Step, results: Sequence[StepResult]) -> None:
        has_ended_well = all(result.error is None and result.answer is not None for result in results)
        inner = step.get("program", step.get("steps"))
        if inner is not None and has_ended_well:
            self._compare_results(what, inner, [result.answer for result in results])
            return
        pairs = list(zip(self.both, results, strict=True))
        if step["op"] == "insert" and has_ended_well:
            answers = [side.made(step["table"], result.answer) for side, result in pairs]
        else:
            answers = [side.answer(result) for side, result in pairs]
        if step["op"] == "vectorSearch":
            assert_same_ranking(what, *answers, limit=step.get("limit"), fields=VECTOR_SEARCH_FIELDS)
        elif "paginate" in step and has_ended_well:
            self._compare_pages(what, step["paginate"]["numItems"], *(answer.value for answer in answers))
        else:
            assert_same_answer(what, *answers)

    def _compare_pages(self, what: str, size: float, first: dict[str, Any], second: dict[str, Any]) -> None:
        if self._against_oracle and len(second["page"]) == size and second["isDone"]:
            # Divergence "full-last-page": an empty page follows on the other side.
            second = {**second, "isDone": False}
        assert_same(what, *({name: page[name] for name in _OF_PAGES} for page in (first, second)))


def _count(template: Sequence[Step]) -> int:
    """How many operations a program does, those of programs in it among them."""
    return sum(1 + _count(step.get("program") or step.get("steps") or ()) for step in template)


def _explained(answers: Sequence[Any], compare: Callable[[], None]) -> None:
    """Compares; if that fails, the error shows both answers as a whole."""
    try:
        compare()
    except AssertionError as error:
        first, second = answers
        raise AssertionError(f"{error}\n\nfirst answered: {first}\nsecond answered: {second}") from None

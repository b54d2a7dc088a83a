"""The state machine: its rules, and how long it is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import ClassVar, TypeAlias

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.schema import Schema
from pytest_mastra_convex.machine.mastra_calls import MASTRA_TABLES, MastraCall, first_mastra_calls, mastra_calls
from pytest_mastra_convex.machine.programs import Programs, Step
from pytest_mastra_convex.machine.sides import Cursors, Sides
from pytest_mastra_convex.machine.tables import Table
from pytest_mastra_convex.strategies import programs as whole_programs

OpenPair: TypeAlias = Callable[[], AbstractContextManager[tuple[Deployment, Deployment]]]
"""Opens two empty deployments that have the probe; they are closed at the end of the block."""

# Hypothesis gives an example so many choices that longer ones are cut short.
_RULES_PER_EXAMPLE = 25
_EXAMPLES_AT_ONCE = 10
_PAGES_MAX = 8
_WIDE_STEPS_MAX = 8
_MASTRA_CALLS_MAX = 5


class DeploymentMachine(RuleBasedStateMachine):
    """What every machine has; :func:`deployment_machine` adds the rules.

    Attributes:
        steps_played: how many operations all examples of this machine did on each deployment.
        open_pair: opens the two deployments of one example.
        against_oracle: whether the second one is the oracle.
        tables: which tables are compared.
        sides: the two deployments of this example.
        pages: the queries that have more pages, the sizes of these, and where the next one begins.
    """

    steps_played: ClassVar[int] = 0
    open_pair: ClassVar[OpenPair]
    against_oracle: ClassVar[bool]
    tables: ClassVar[Sequence[str]]

    def __init__(self) -> None:
        super().__init__()
        self._resources = ExitStack()
        first, second = self._resources.enter_context(type(self).open_pair())
        self.sides = Sides(first, second, against_oracle=self.against_oracle)
        self.pages: list[tuple[Step, int, Cursors]] = []
        self._have_differed = False

    @contextmanager
    def _comparing(self) -> Iterator[Sides]:
        try:
            yield self.sides
        except BaseException:
            self._have_differed = True
            raise

    def teardown(self) -> None:
        """Compares the tables once more, unless a difference was found already, and closes the deployments."""
        type(self).steps_played += self.sides.steps_played
        with self._resources:
            if not self._have_differed:
                self.sides.compare_tables(self.tables)


def deployment_machine(
    open_pair: OpenPair,
    schema: Schema,
    *,
    tables: Sequence[str] | None = None,
    mastra: bool = True,
    against_oracle: bool = False,
) -> type[DeploymentMachine]:
    """A machine for two deployments.

    Args:
        open_pair: opens them, both empty and with the probe's functions.
        schema: what both have.
        tables: which of its tables programs use; all if None.
        mastra: whether both have Mastra's tables and functions, which are then called, too.
        against_oracle: whether the second one is the oracle: what ``divergences.toml`` says of it is then left out.

    Raises:
        ValueError: for no tables, and for some that the schema does not have.
    """
    names = list(schema.tables) if tables is None else list(tables)
    unknown = [name for name in names if name not in schema.tables]
    if unknown or not names:
        raise ValueError(f"tables must be some of {', '.join(schema.tables)}; got {', '.join(names) or 'none'}")
    programs = Programs(schema, names, against_oracle=against_oracle)
    machine = _with_rules(programs, _wide_programs(schema, list(programs.tables.values()), against_oracle))
    machine.open_pair = staticmethod(open_pair)
    machine.against_oracle = against_oracle
    machine.tables = names
    if mastra:
        machine = _with_mastra(machine)
        machine.tables = list(dict.fromkeys([*names, *MASTRA_TABLES]))
    return machine


def _wide_programs(schema: Schema, tables: Sequence[Table], against_oracle: bool) -> st.SearchStrategy[list[Step]]:
    """Programs on documents of their own, with all kinds of values."""
    if not against_oracle:
        # Filters may ask for more or less than an id, which is each deployment's own.
        chosen = [table.name for table in tables if not table.ids]
        return whole_programs(schema, tables=chosen, steps_max=_WIDE_STEPS_MAX) if chosen else st.just([])
    chosen = [
        table.name
        for table in tables
        # Ids have another order there, and vectors any length (divergence "vector-dimensions").
        if not table.searches and table.ids.isdisjoint(path for paths in table.indexes.values() for path in paths)
    ]
    if not chosen:
        return st.just([])
    # Divergence "filter-comparison".
    programs = whole_programs(schema, tables=chosen, steps_max=_WIDE_STEPS_MAX, comparisons=("eq", "neq"))
    # Divergence "index-prefixes": texts that go on with NUL, objects whose first field has the empty name.
    return programs.filter(lambda program: not any(odd in json.dumps(program) for odd in ("\\u0000", '"":')))


def _with_rules(programs: Programs, wide: st.SearchStrategy[list[Step]]) -> type[DeploymentMachine]:
    class Machine(DeploymentMachine):
        @initialize(program=programs.first_documents())
        def store_first_documents(self, program: list[Step]) -> None:
            with self._comparing() as sides:
                # One after the other: a document may hold the id of one in an earlier table.
                for step in program:
                    sides.play("mutation", [step])
                # From here on both know when these were made.
                sides.compare_tables(self.tables)

        @rule(program=programs.of("mutation"))
        def mutation(self, program: list[Step]) -> None:
            with self._comparing() as sides:
                sides.play("mutation", program)

        @rule(program=programs.of("mutation"))
        def another_mutation(self, program: list[Step]) -> None:
            with self._comparing() as sides:
                sides.play("mutation", program)

        @rule(program=programs.of("query"))
        def query(self, program: list[Step]) -> None:
            with self._comparing() as sides:
                sides.play("query", program)

        @rule(program=programs.of("action"))
        def action(self, program: list[Step]) -> None:
            with self._comparing() as sides:
                sides.play("action", program)

        @rule(program=wide)
        def wide_program(self, program: list[Step]) -> None:
            with self._comparing() as sides:
                sides.play("mutation", program)

        @rule(query=programs.queries(), size=st.integers(1, 3))
        def first_page(self, query: Step, size: int) -> None:
            self._page(query, size, (None, None))

        @precondition(lambda self: bool(self.pages))
        @rule(turn=st.integers(0, _PAGES_MAX - 1))
        def next_page(self, turn: int) -> None:
            self._page(*self.pages.pop(turn % len(self.pages)))

        def _page(self, query: Step, size: int, cursors: Cursors) -> None:
            with self._comparing() as sides:
                following = sides.play_page(query, size, cursors)
            if following is not None:
                self.pages = [*self.pages[1 - _PAGES_MAX :], (query, size, following)]

        @rule()
        def compare_tables(self) -> None:
            with self._comparing() as sides:
                sides.compare_tables(self.tables)

    return Machine


def _with_mastra(machine: type[DeploymentMachine]) -> type[DeploymentMachine]:
    class MachineWithMastra(machine):  # type: ignore[valid-type, misc]
        @initialize(calls=first_mastra_calls())
        def store_first_records(self, calls: list[MastraCall]) -> None:
            self._call(calls)

        @rule(calls=st.lists(mastra_calls(), min_size=1, max_size=_MASTRA_CALLS_MAX))
        def call_mastra(self, calls: list[MastraCall]) -> None:
            self._call(calls)

        def _call(self, calls: list[MastraCall]) -> None:
            with self._comparing() as sides:
                for call in calls:
                    sides.play_call("mutation", call.path, call.args)

    return MachineWithMastra


def run_steps(machine: type[DeploymentMachine], steps: int, *, seed: int, shrink: bool = False) -> int:
    """Runs a machine until it did so many operations on each deployment; returns how many there were.

    Args:
        machine: what :func:`deployment_machine` gives.
        steps: how many at least.
        seed: the same one plays the same programs.
        shrink: whether a failing example is made small, which may take minutes.

    Raises:
        AssertionError: at the first difference.
    """
    before = machine.steps_played
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    chosen = settings(
        max_examples=_EXAMPLES_AT_ONCE,
        stateful_step_count=_RULES_PER_EXAMPLE,
        phases=phases,
        report_multiple_bugs=False,
        derandomize=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    while machine.steps_played - before < steps:
        with_seed(seed)(machine)
        run_state_machine_as_test(machine, settings=chosen)
        seed += 1
    return machine.steps_played - before

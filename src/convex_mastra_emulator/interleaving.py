"""Two clients' calls in every order, step by step: what a race does, found without luck.

    def buy(convex):
        left = convex.query("shop:left")
        convex.mutation("shop:set", {"left": left - 1})

    for run in interleave(buy, buy, on=emulator):
        assert emulator.query("shop:left") == 0, run

A step is one call, and in an action each transaction it starts: between those, and nowhere else, a deployment lets
other clients in.  Every order begins from the same documents, and is undone before the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.journal import shown
from convex_mastra_emulator.turns import Turns

ORDERS_MAX = 10_000
Client = Callable[[Deployment], Any]
"""What one client does, given the deployment it calls."""


class TooManyOrders(EmulatorError):
    """The calls can be put in more orders than are tried; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Interleaving:
    """One order, as it ran.

    Attributes:
        order: whose step came when, such as ``"ABAB"``.
        results: what each client returned; None for one that failed.
        errors: how each client failed; None for one that did not.
        steps: what was called, in order.
    """

    order: str
    results: tuple[Any, ...]
    errors: tuple[BaseException | None, ...]
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"in the order {self.order}:", *(f"  {step}" for step in self.steps)])


def interleave(
    *clients: Client,
    on: Emulator,
    schedule: str | None = None,
    may_fail: bool = False,
    orders_max: int = ORDERS_MAX,
) -> Iterator[Interleaving]:
    """Runs clients against one another, in every order of their steps.

    While the body of the loop runs, the emulator is as that order left it; afterwards it is as it was.

    Args:
        clients: what each of them does; ``A`` is the first, ``B`` the second.  A client must do the same whenever it
            gets the same answers.
        on: what they call.
        schedule: the one order to run, such as ``"ABBA"``; what it does not name runs at its end, A first.
        may_fail: whether a client may raise; otherwise its error ends the loop, with a note of the order.
        orders_max: how many orders are tried at most.

    Raises:
        ValueError: for fewer than two clients, and for a schedule that names a client that is not there or has ended.
        TooManyOrders: when there are more orders.
        Exception: what a client raised, unless it ``may_fail``.
    """
    if len(clients) < 2:
        raise ValueError(f"clients must be two or more, got {len(clients)}")
    names = ascii_uppercase[: len(clients)]
    chosen = None if schedule is None else _choices_of(schedule, names)
    return _runs(clients, names, on, chosen, may_fail=may_fail, orders_max=orders_max)


def _choices_of(schedule: str, names: str) -> list[int]:
    unknown = sorted(set(schedule) - set(names))
    if unknown:
        raise ValueError(f"schedule must be made of {' and '.join(names)}, got {unknown[0]!r} in {schedule!r}")
    return [names.index(name) for name in schedule]


def _runs(
    clients: Sequence[Client],
    names: str,
    emulator: Emulator,
    chosen: list[int] | None,
    *,
    may_fail: bool,
    orders_max: int,
) -> Iterator[Interleaving]:
    prefix: list[int] | None = chosen or []
    count = 0
    while prefix is not None:
        count += 1
        if count > orders_max:
            raise TooManyOrders(
                f"the calls can be put in more than {orders_max:,} orders: give one with schedule=, let the clients "
                "do less, or raise orders_max"
            )
        with emulator.rollback():
            run = _Run(clients, names, emulator)
            run.play(prefix, may_fail=may_fail)
            yield run.interleaving()
        prefix = None if chosen is not None else _next_prefix(run.choices)


def _next_prefix(choices: list[tuple[int, list[int]]]) -> list[int] | None:
    """The next order, depth first: at the last place where somebody later could have gone, he goes."""
    for place in range(len(choices) - 1, -1, -1):
        taken, able = choices[place]
        later = [client for client in able if client > taken]
        if later:
            return [client for client, _ in choices[:place]] + [later[0]]
    return None


class _Run:
    """One order, played."""

    def __init__(self, clients: Sequence[Client], names: str, emulator: Emulator) -> None:
        self._names = names
        self._emulator = emulator
        self._turns = Turns()
        self._steps: list[str] = []
        self.choices: list[tuple[int, list[int]]] = []
        """Who went at each step, and who could have."""
        for name, client in zip(names, clients, strict=True):
            self._turns.add(_body(client, _SteppedDeployment(emulator, name, self._turns, self._steps)))

    def play(self, prefix: list[int], *, may_fail: bool) -> None:
        """Runs all clients to their ends, in the order of ``prefix`` and then the first who can."""
        with self._emulator.before_calls_of_actions(self._turns.wait):
            try:
                self._turns.start()
                while able := self._turns.waiting():
                    place = len(self.choices)
                    taken = prefix[place] if place < len(prefix) else able[0]
                    if taken not in able:
                        raise ValueError(
                            f"schedule lets {self._names[taken]} go at step {place + 1}, when it has ended"
                        )
                    self.choices.append((taken, able))
                    self._turns.resume(taken)
                    self._raise_failure(may_fail=may_fail)
                self._raise_failure(may_fail=may_fail)
                if len(prefix) > len(self.choices):
                    late = self._names[prefix[len(self.choices)]]
                    raise ValueError(f"schedule lets {late} go at step {len(self.choices) + 1}, when all have ended")
            finally:
                self._turns.abandon()

    def _raise_failure(self, *, may_fail: bool) -> None:
        for name, turn in zip(self._names, self._turns.clients, strict=True):
            error = turn.error
            if error is not None and not (may_fail and isinstance(error, Exception)):
                error.add_note(f"raised by client {name}, {self.interleaving()}")
                raise error

    def interleaving(self) -> Interleaving:
        """What ran."""
        turns = self._turns.clients
        return Interleaving(
            order="".join(self._names[client] for client, _ in self.choices),
            results=tuple(turn.result for turn in turns),
            errors=tuple(turn.error for turn in turns),
            steps=tuple(self._steps),
        )


def _body(client: Client, deployment: Deployment) -> Callable[[], Any]:
    return lambda: client(deployment)


class _SteppedDeployment:
    """A deployment each of whose calls waits for its turn."""

    def __init__(self, emulator: Emulator, name: str, turns: Turns, steps: list[str]) -> None:
        self._emulator = emulator
        self._name = name
        self._turns = turns
        self._steps = steps

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value."""
        return self._step("query", self._emulator.query, path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value."""
        return self._step("mutation", self._emulator.mutation, path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value."""
        return self._step("action", self._emulator.action, path, args)

    def _step(self, kind: str, call: Callable[[str, Any], Any], path: str, args: Any) -> Any:
        self._turns.wait()
        place = len(self._steps)
        said = f"{self._name}: {kind} {path} {shown(args or {})}"
        self._steps.append(f"{said} began")
        try:
            value = call(path, args)
        except Exception as error:
            self._steps[place] = f"{said} failed: {shown(str(error))}"
            raise
        self._steps[place] = f"{said} -> {shown(value)}"
        return value

"""Programs of the probe as live queries of PyPI ``ConvexClient``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_mastra_convex.probe import Step

if TYPE_CHECKING:
    from convex import QuerySubscription

    from pytest_mastra_convex.client import GuardedClient

PROBE = "conformance/probe"


def arguments(*steps: Step) -> dict[str, Any]:
    """The arguments of a call of the probe."""
    return {"program": json.dumps(steps)}


def values(answer: str) -> list[Any]:
    """What the steps of a program answered."""
    return [step.get("value", step.get("error")) for step in json.loads(answer, parse_int=float)]


@dataclass(slots=True)
class LiveProgram:
    """A program that a client has subscribed to.

    Attributes:
        subscription: PyPI's.
        latest: what the first step answered last.
    """

    subscription: QuerySubscription
    latest: Any = None

    def next(self) -> Any:
        """The next result: what the first step answered."""
        self.latest = values(str(next(self.subscription)))[0]
        return self.latest

    def change(self) -> Any:
        """The next result that is another one.

        The client repeats a result whenever it is told of another query of its own (convex-wire.md §0.10).
        """
        before = self.latest
        while self.next() == before:
            pass
        return self.latest


@dataclass(frozen=True, slots=True)
class Watcher:
    """A client whose calls stand under deadlines.

    Attributes:
        client: PyPI's.
    """

    client: GuardedClient

    def subscribe(self, *steps: Step) -> LiveProgram:
        """Subscribes to a program."""
        return LiveProgram(self.client.subscribe(f"{PROBE}:query", arguments(*steps)))

    def query(self, *steps: Step) -> list[Any]:
        """Runs a program as a query; gives what the steps answered."""
        return values(self.client.query(f"{PROBE}:query", arguments(*steps)))

    def mutation(self, *steps: Step) -> list[Any]:
        """Runs a program as a mutation; gives what the steps answered."""
        return values(self.client.mutation(f"{PROBE}:mutation", arguments(*steps)))

    def action(self, *steps: Step) -> list[Any]:
        """Runs a program as an action; gives what the steps answered."""
        return values(self.client.action(f"{PROBE}:action", arguments(*steps)))


def value_in(item: Mapping[int, Any] | None, live: LiveProgram) -> Any:
    """What ``watch_all`` has of a subscription: the answer of its first step; None if it has nothing yet."""
    result = (item or {}).get(live.subscription.id)
    return None if result is None else values(result["value"])[0]

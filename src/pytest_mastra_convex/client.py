"""PyPI ``convex.ConvexClient`` with a deadline around everything that blocks: by itself it waits for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from convex import ConvexClient, QuerySetSubscription, QuerySubscription

from pytest_mastra_convex.deadline import deadline


class GuardedClient(ConvexClient):
    """The client, with deadlines whose messages name the URL, the call and what the server saw last.

    Args:
        url: the deployment's; it must be served by another process, since this client holds the GIL while it waits.
        seconds: how long one call may take.
        last_seen: what the server saw last, for the message.
    """

    def __init__(self, url: str, *, seconds: float, last_seen: Callable[[], str] | None = None) -> None:
        self._url = url
        self._seconds = seconds
        self._last_seen = last_seen
        with self._guard("connect"):
            super().__init__(url)

    @contextmanager
    def _guard(self, call: str) -> Iterator[None]:
        with deadline(self._seconds, call, url=self._url, last_seen=self._last_seen):
            yield

    def query(self, name: str, args: Any = None) -> Any:
        """Runs a query."""
        with self._guard(f"query {name}"):
            return super().query(name, args)

    def mutation(self, name: str, args: Any = None) -> Any:
        """Runs a mutation."""
        with self._guard(f"mutation {name}"):
            return super().mutation(name, args)

    def action(self, name: str, args: Any = None) -> Any:
        """Runs an action."""
        with self._guard(f"action {name}"):
            return super().action(name, args)

    def subscribe(self, name: str, args: Any = None) -> QuerySubscription:
        """Subscribes to a query; each next result stands under the deadline, too."""
        with self._guard(f"subscribe {name}"):
            subscription = super().subscribe(name, args)
        return _GuardedSubscription(subscription, lambda: self._guard(f"next result of {name}"))

    def watch_all(self) -> QuerySetSubscription:
        """Subscribes to the results of all subscriptions of this client."""
        with self._guard("watch_all"):
            subscription = super().watch_all()
        return _GuardedQuerySet(subscription, lambda: self._guard("next results of watch_all"))


class _GuardedSubscription(QuerySubscription):
    def __init__(self, inner: QuerySubscription, guard: Callable[[], Any]) -> None:
        super().__init__(inner.inner, inner.client, inner.name, inner.args)
        self._guard = guard

    def __next__(self) -> Any:
        with self._guard():
            return super().__next__()


class _GuardedQuerySet(QuerySetSubscription):
    def __init__(self, inner: QuerySetSubscription, guard: Callable[[], Any]) -> None:
        super().__init__(inner.inner, inner.client)
        self._guard = guard

    def __next__(self) -> Any:
        with self._guard():
            return super().__next__()

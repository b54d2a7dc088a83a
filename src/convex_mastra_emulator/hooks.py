"""What protocols and tools build on: the users of an emulator, its time, its commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.locks import AbstractLock
from convex_mastra_emulator.runtime.subscriptions import Subscription, Subscriptions
from convex_mastra_emulator.runtime.tokens import TOKEN_SECONDS
from convex_mastra_emulator.runtime.users import Users


class Hooks:
    """Users, time and commits of an emulator."""

    redact_errors: bool
    _executor: Executor
    _users: Users
    _subscriptions: Subscriptions
    control_marks: list[ExitStack]
    """What the control plane of a server goes back to; it outlives the server."""

    # Users

    def issue_token(self, *, subject: str, valid_seconds: float = TOKEN_SECONDS, **claims: Any) -> str:
        """A token this emulator accepts, for tests of users: ``Authorization: Bearer <token>``.

        Args:
            subject: who the user is.
            valid_seconds: for how long it is good, by the emulator's clock.
            claims: more claims, such as ``name`` or ``email``.
        """
        return self._users.issue_token(subject=subject, valid_seconds=valid_seconds, **claims)

    def verify_token(self, token: str) -> Identity:
        """The user a token stands for.

        Raises:
            RequestRefused: with the deployment's text, if it is not good.
        """
        return self._users.verify_token(token, is_redacted=self.redact_errors)

    @property
    def waits_for_keys(self) -> bool:
        """Whether a token may have to wait for the keys of its provider, so that nobody else should wait for it."""
        return not all(info.has_keys for info in self._executor.auth_infos)

    @property
    def lock(self) -> AbstractLock:
        """What every transaction holds; a re-entrant lock."""
        return self._executor.lock

    # Live queries; what protocols build on

    def standing_still(self) -> AbstractContextManager[int]:
        """While this runs nothing is committed; gives the timestamp at which queries then read."""
        return self._executor.standing_still()

    def watch(self, subscription: Subscription) -> None:
        """Tells a subscription once when something it has read changes."""
        with self._executor.lock:
            self._subscriptions.add(subscription)

    def unwatch(self, subscription: Subscription) -> None:
        """Ends :meth:`watch`."""
        with self._executor.lock:
            self._subscriptions.remove(subscription)

    @contextmanager
    def before_calls_of_actions(self, wait: Callable[[], None]) -> Iterator[None]:
        """For the block, ``wait`` is called before each transaction that an action starts; in the action's thread."""
        self._executor.before_calls_of_actions.append(wait)
        try:
            yield
        finally:
            self._executor.before_calls_of_actions.remove(wait)

    def timestamp_ns(self) -> int:
        """A time, in nanoseconds since the Unix epoch, at which queries can be run from now on."""
        return self._executor.timestamp_ns()

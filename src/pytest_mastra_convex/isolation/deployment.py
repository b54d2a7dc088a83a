"""A deployment that is shared, as one of its users sees it.

    test ── names with prefix ──> isolated ── requests with the prefix ──> the shared deployment
    test <── names without it ─── isolated <── answers, others' rows among them ──┘

Requests to Mastra's functions are rewritten; other functions get what they are given, and their tests make names of
their own with the fixture ``convex_prefix``.  Every name is longer by the prefix, which a test of the largest possible
document sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.runtime.paths import parse_path
from pytest_mastra_convex.isolation.cache import IsolatedCache
from pytest_mastra_convex.isolation.made import Made
from pytest_mastra_convex.isolation.names import Prefix
from pytest_mastra_convex.isolation.native_vectors import IsolatedNativeVectors
from pytest_mastra_convex.isolation.paths import MastraPaths
from pytest_mastra_convex.isolation.storage import IsolatedStorage

Surface = Callable[[Callable[[dict[str, Any]], Any], dict[str, Any]], Any]
"""Answers the requests to one function, which it sends with its first argument."""


class IsolatedDeployment:
    """A shared deployment without other people's rows.

    Args:
        inner: the shared deployment.
        prefix: begins every name on it that is made through this one; letters, digits, ``-`` and ``_``.
        paths: where it has Mastra's functions.

    Attributes:
        prefix: as given.

    Raises:
        ValueError: for a prefix that is too short, or not legal.
    """

    def __init__(self, inner: Deployment, prefix: str, *, paths: MastraPaths | None = None) -> None:
        self.prefix = prefix
        self._inner = inner
        self._paths = paths or MastraPaths()
        self._prefix = Prefix(prefix)
        self._made = Made()
        native = IsolatedNativeVectors(inner, self._paths, self._prefix, self._made)
        self._surfaces: dict[str, Surface] = {
            _canonical(self._paths.storage): IsolatedStorage(self._prefix, self._made).answer,
            _canonical(self._paths.cache): IsolatedCache(self._prefix, self._made).answer,
            _canonical(self._paths.native_query): native.search,
            _canonical(self._paths.native_read): native.read,
            _canonical(self._paths.native_write): native.write,
        }

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value.

        Raises:
            IsolationRefused: for a request to one of Mastra's functions that could touch others' rows.
            Exception: what the shared deployment raises.
        """
        return self._call("query", path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value; raises what :meth:`query` does."""
        return self._call("mutation", path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value; raises what :meth:`query` does."""
        return self._call("action", path, args)

    def clean_up(self, through: Deployment | None = None) -> None:
        """Deletes what was made and nothing else; what cannot be deleted is tried again by the next call.

        Args:
            through: the shared deployment by another way, such as one that may still be called.

        Raises:
            ExceptionGroup: of everything that failed; the rest is deleted.
        """
        failures = self._made.delete(through or self._inner, self._paths)
        if failures:
            raise ExceptionGroup(f"rows with the prefix {self.prefix} are left on the deployment", failures)

    def _call(self, kind: Literal["query", "mutation", "action"], path: str, args: Any) -> Any:
        call: Callable[[str, Any], Any] = getattr(self._inner, kind)
        surface = self._surfaces.get(_canonical(path))
        request = {} if args is None else args
        if surface is None or not isinstance(request, Mapping):
            return call(path, args)
        try:
            return self._prefix.removed(surface(lambda sent: call(path, sent), dict(request)))
        except Exception as error:
            self._prefix.remove_from_error(error)
            raise


def _canonical(path: str) -> str:
    """One name for all the forms a path has; one that is none stays, for the deployment to refuse."""
    try:
        return parse_path(path).canonical
    except RequestRefused:
        return path

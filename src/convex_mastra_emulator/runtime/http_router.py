"""HTTP actions and the router that finds them, as ``httpAction`` and ``httpRouter`` of npm convex.

>>> from convex_mastra_emulator import HttpActionResponse, HttpRouter, http_action
>>> router = HttpRouter()
>>> @http_action
... def greet(ctx, request):
...     return HttpActionResponse("hello")
>>> router.route(path="/greet", method="GET", handler=greet)

convex-js src/server/router.ts (npm convex 1.48.0, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from convex_mastra_emulator.errors import SchemaDefinitionError

ROUTABLE_METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_RESERVED = "/.files"


@dataclass(frozen=True, slots=True)
class HttpAction:
    """An HTTP action; ``handler(ctx, request)`` is its body, ``ctx`` that of an action."""

    handler: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        """Calls the body directly, as a helper of another action would."""
        return self.handler(*args)


def http_action(handler: Callable[..., Any]) -> HttpAction:
    """Makes an HTTP action of ``handler(ctx, request)``, which returns an ``HttpActionResponse``.

    Raises:
        TypeError: if ``handler`` cannot be called.
    """
    if not callable(handler):
        raise TypeError(f"handler must be a function, got {type(handler).__name__}")
    return HttpAction(handler)


class Route(NamedTuple):
    """What a request was routed to; ``path`` ends with ``*`` if it was by a prefix."""

    action: HttpAction
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Router(Protocol):
    """What a deployment asks for the HTTP action of a request: a router of Python, or that of ``http.ts``."""

    def find(self, path: str, method: str, env: Mapping[str, str]) -> Route | None:
        """What answers a request; None if nothing does.

        Args:
            path: of the request.
            method: of the request.
            env: the deployment's environment variables.
        """

    def routes(self) -> list[Route]:
        """All routes it tells of."""


class HttpRouter:
    """Which HTTP action answers which path and method."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], HttpAction] = {}
        self._prefixes: dict[tuple[str, str], HttpAction] = {}

    def route(
        self, *, path: str | None = None, path_prefix: str | None = None, method: str, handler: HttpAction
    ) -> None:
        """Lets an HTTP action answer; a path is matched before a prefix, a long prefix before a short one.

        Args:
            path: the whole path, as it stands in URLs.
            path_prefix: the beginning of the path; it begins and ends with a slash.
            method: GET (which answers HEAD, too), POST, PUT, DELETE, OPTIONS or PATCH.
            handler: made by ``http_action(…)``.

        Raises:
            SchemaDefinitionError: in npm convex' words.
            TypeError: if ``handler`` is no HTTP action.
        """
        if not isinstance(handler, HttpAction):
            raise TypeError(f"handler must be made by http_action(...), got {type(handler).__name__}")
        if method not in ROUTABLE_METHODS:
            raise SchemaDefinitionError(f"'{method}' is not an allowed HTTP method (like GET, POST, PUT etc.)")
        if path is not None and path_prefix is not None:
            raise SchemaDefinitionError("Invalid httpRouter route: cannot contain both 'path' and 'pathPrefix'")
        if path is not None:
            self._add_path(path, method, handler)
        elif path_prefix is not None:
            self._add_prefix(path_prefix, method, handler)
        else:
            raise SchemaDefinitionError(
                "Invalid httpRouter route entry: must contain either field 'path' or 'pathPrefix'"
            )

    def _add_path(self, path: str, method: str, handler: HttpAction) -> None:
        if not path.startswith("/"):
            raise SchemaDefinitionError(f"path '{path}' does not start with a /")
        if path.startswith(f"{_RESERVED}/") or path == _RESERVED:
            raise SchemaDefinitionError(f"path '{path}' is reserved")
        if (method, path) in self._exact:
            raise SchemaDefinitionError(f"Path '{path}' for method {method} already in use")
        self._exact[(method, path)] = handler

    def _add_prefix(self, prefix: str, method: str, handler: HttpAction) -> None:
        if not prefix.startswith("/"):
            raise SchemaDefinitionError(f"pathPrefix '{prefix}' does not start with a /")
        if not prefix.endswith("/"):
            raise SchemaDefinitionError(f"pathPrefix {prefix} must end with a /")
        if prefix.startswith(f"{_RESERVED}/"):
            raise SchemaDefinitionError(f"pathPrefix '{prefix}' is reserved")
        if (method, prefix) in self._prefixes:
            raise SchemaDefinitionError(f"{method} pathPrefix {prefix} is already defined")
        self._prefixes[(method, prefix)] = handler

    def lookup(self, path: str, method: str) -> Route | None:
        """What answers a request; None if nothing does."""
        wanted = "GET" if method == "HEAD" else method
        exact = self._exact.get((wanted, path))
        if exact is not None:
            return Route(exact, wanted, path)
        prefixes = [prefix for found, prefix in self._prefixes if found == wanted and path.startswith(prefix)]
        if not prefixes:
            return None
        longest = max(prefixes, key=len)
        return Route(self._prefixes[(wanted, longest)], wanted, f"{longest}*")

    def find(self, path: str, method: str, env: Mapping[str, str]) -> Route | None:
        """What answers a request, whatever the environment is; None if nothing does."""
        return self.lookup(path, method)

    def routes(self) -> list[Route]:
        """All routes: those with a path by path and method, then those with a prefix by method and prefix."""
        exact = sorted(self._exact.items(), key=lambda item: (item[0][1], item[0][0]))
        prefixes = sorted(self._prefixes.items())
        return [
            *(Route(action, method, path) for (method, path), action in exact),
            *(Route(action, method, f"{prefix}*") for (method, prefix), action in prefixes),
        ]

    def copy(self) -> HttpRouter:
        """Another router with the routes of this one, as it is now."""
        twin = HttpRouter()
        twin._exact, twin._prefixes = dict(self._exact), dict(self._prefixes)
        return twin

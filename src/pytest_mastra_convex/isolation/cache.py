"""``cache:handle`` for one of several users of a deployment: keys and what they begin with get the prefix.

``clear`` deletes the keys of exactly one beginning, so that also the empty one is the test's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_mastra_convex.isolation.made import Made
from pytest_mastra_convex.isolation.names import IsolationRefused, Prefix
from pytest_mastra_convex.isolation.rules import CACHE_OPERATIONS

_NAMES = ("key", "keyPrefix")


class IsolatedCache:
    """Answers requests to ``cache:handle`` as if nobody else used the deployment.

    Args:
        prefix: begins the test's names.
        made: is told what is made.
    """

    def __init__(self, prefix: Prefix, made: Made) -> None:
        self._prefix = prefix
        self._made = made

    def answer(self, send: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> Any:
        """Sends a request with the prefix and gives what comes back, of which the prefix is still part.

        Raises:
            IsolationRefused: for an operation nobody knows.
        """
        op = request.get("op")
        if not isinstance(op, str) or op not in CACHE_OPERATIONS:
            raise IsolationRefused(f"cache:handle: the operation {op!r} is not known here and might touch other keys")
        changed = self._prefix.added_to(request, _NAMES)
        if self._prefix.begins(changed.get("keyPrefix")):
            self._made.cache_prefixes[changed["keyPrefix"]] = None
        return send(changed)

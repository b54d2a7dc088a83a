"""Function handles: texts that stand for a function, as ``createFunctionHandle`` of npm convex makes them.

``function://{id}#{path}``, of which the id alone matters.  A deployment keeps a document of each function; here the id
is computed from the path, so that a handle outlives deploys as it does there: it works again when the function is back.

convex-backend crates/common/src/bootstrap_model/components/handles.rs (form), crates/model/src/components/handles.rs
(look-up), crates/model/src/lib.rs (table number of ``_function_handles``) (checked 2026-11-21).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from convex_mastra_emulator.errors import DeploymentError, InvalidArgument, InvalidValue
from convex_mastra_emulator.runtime.functions import FunctionRegistry
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_inner_path
from convex_mastra_emulator.values.ids import INTERNAL_ID_SIZE, decode_id, encode_id

_PREFIX = "function://"
_TABLE_NUMBER = 102


class FunctionHandles:
    """The handles of one deployment's functions.

    Args:
        functions: what there is to call.
    """

    def __init__(self, functions: FunctionRegistry) -> None:
        self._functions = functions

    def create_for(self, request: Any) -> str:
        """The handle a request of npm convex asks for; the one it brings, if it does."""
        handle = request.get("functionHandle")
        return handle if isinstance(handle, str) else self.create(_name_in(request))

    def name_of(self, request: Any, call: str) -> str:
        """The path of the function a request of npm convex names, by its path or its handle.

        Args:
            request: with ``name`` or ``functionHandle``.
            call: how the deployment names the call.

        Raises:
            InvalidArgument: if the handle is none, or the function is in a component.
            DeploymentError: if the handle's function is not there (any more).
        """
        handle = request.get("functionHandle")
        return self.path_of(handle, call) if isinstance(handle, str) else _name_in(request)

    def create(self, path: str) -> str:
        """The handle of a function.

        Raises:
            InvalidArgument: if ``path`` is none.
            DeploymentError: if there is no such function.
        """
        parsed = parse_inner_path(path, "createFunctionHandle")
        if not self._functions.has(parsed):
            raise _not_found()
        return f"{_PREFIX}{_id_of(parsed)}#{parsed.stripped}"

    def path_of(self, handle: str, call: str) -> str:
        """The function a handle stands for.

        Args:
            handle: as :meth:`create` has given it; without what follows the ``#``, too.
            call: how the deployment names the call the handle was given to.

        Raises:
            InvalidArgument: if ``handle`` is none.
            DeploymentError: if its function is not there (any more).
        """
        id, _, _ = _content(handle, call).partition("#")
        try:
            decode_id(id)
        except InvalidValue as error:
            raise InvalidArgument(f"Invalid arguments for `{call}`: {error}") from None
        found = next((path for path in self._functions.snapshot() if _id_of(path) == id), None)
        if found is None:
            raise _not_found()
        return found.stripped


def _name_in(request: Any) -> str:
    name = request.get("name")
    if isinstance(name, str):
        return name
    raise InvalidArgument("Components are not emulated; call functions by their names")


def _content(handle: str, call: str) -> str:
    if not handle.startswith(_PREFIX):
        raise InvalidArgument(f"Invalid arguments for `{call}`: Invalid function handle {handle}")
    return handle.removeprefix(_PREFIX)


@lru_cache(maxsize=1024)
def _id_of(path: FunctionPath) -> str:
    return encode_id(_TABLE_NUMBER, hashlib.sha256(path.canonical.encode()).digest()[:INTERNAL_ID_SIZE])


def _not_found() -> DeploymentError:
    return DeploymentError("Function handle not found", code="FunctionHandleNotFound")

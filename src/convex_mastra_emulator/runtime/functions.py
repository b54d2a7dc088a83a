"""Functions of a deployment in Python, and the register they are found in.

>>> from convex_mastra_emulator import query
>>> @query(args={})
... def count(ctx, args):
...     return len(ctx.db.query("messages").collect())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, overload

from convex_mastra_emulator.errors import FunctionUnavailable, RequestRefused, SchemaDefinitionError
from convex_mastra_emulator.runtime.function_log import ModuleEnvironment
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.schema.validators import AnyValidator, Field, ObjectValidator, Validator

Handler: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = Validator | Mapping[str, Validator | Field]


class FunctionKind(Enum):
    """What a function is; the value is how error texts call it."""

    QUERY = "Query"
    MUTATION = "Mutation"
    ACTION = "Action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A registered function; ``handler(ctx, args)`` is its body.

    Attributes:
        is_deployed: whether it came with a deploy, and goes with the next one.
    """

    kind: FunctionKind
    handler: Handler
    arguments: Validator | None = None
    returns: Validator | None = None
    is_internal: bool = False
    is_deployed: bool = False
    environment: ModuleEnvironment = "isolate"
    """``node`` if its module begins with ``"use node"``."""

    def __call__(self, *args: Any) -> Any:
        """Calls the body directly, as a helper of another function would."""
        return self.handler(*args)


def _arguments_validator(arguments: Arguments | None) -> Validator | None:
    if arguments is None or isinstance(arguments, (ObjectValidator, AnyValidator)):
        return arguments
    if isinstance(arguments, Validator):
        raise SchemaDefinitionError(f"Args validator must be an object or any, got {arguments}")
    return v.object(arguments)


class _Registration:
    """``query``, ``mutation`` and the like: called with a handler, or used as a decorator."""

    def __init__(self, kind: FunctionKind, *, is_internal: bool = False) -> None:
        self._kind = kind
        self._is_internal = is_internal

    @overload
    def __call__(
        self, handler: Handler, *, args: Arguments | None = None, returns: Validator | None = None
    ) -> Function: ...

    @overload
    def __call__(
        self, handler: None = None, *, args: Arguments | None = None, returns: Validator | None = None
    ) -> Callable[[Handler], Function]: ...

    def __call__(
        self,
        handler: Handler | None = None,
        *,
        args: Arguments | None = None,
        returns: Validator | None = None,
    ) -> Function | Callable[[Handler], Function]:
        """Makes a function of a handler.

        Args:
            handler: ``handler(ctx, args)``; without it a decorator is returned.
            args: what the arguments must match; without it anything goes.
            returns: what the result must match.

        Raises:
            SchemaDefinitionError: if ``args`` is no object validator.
        """
        arguments = _arguments_validator(args)

        def register(body: Handler) -> Function:
            return Function(
                kind=self._kind, handler=body, arguments=arguments, returns=returns, is_internal=self._is_internal
            )

        return register if handler is None else register(handler)


query = _Registration(FunctionKind.QUERY)
mutation = _Registration(FunctionKind.MUTATION)
action = _Registration(FunctionKind.ACTION)
internal_query = _Registration(FunctionKind.QUERY, is_internal=True)
internal_mutation = _Registration(FunctionKind.MUTATION, is_internal=True)
internal_action = _Registration(FunctionKind.ACTION, is_internal=True)


class FunctionRegistry:
    """The functions of one deployment by path.

    Args:
        functions: those it begins with.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = {parse_path(path): function for path, function in functions.items()}
        self._system: dict[FunctionPath, Function] = {}

    def define_system(self, functions: Mapping[str, Function]) -> None:
        """Adds functions of the deployment itself: they are in no list, and stay whatever is restored."""
        self._system |= {parse_path(path): function for path, function in functions.items()}

    def define(self, path: str, function: Function) -> None:
        """Adds a function, or replaces the one of that path.

        Raises:
            RequestRefused: if the path is none, or is kept for the deployment's own functions.
            TypeError: if ``function`` is no :class:`Function`.
        """
        if not isinstance(function, Function):
            raise TypeError(
                f"function must be made by query(...), mutation(...) or action(...), got {type(function).__name__}"
            )
        parsed = parse_path(path)
        if parsed.is_system:
            # crates/model/src/modules/mod.rs ``apply``
            text = "You cannot push functions under the '_system/' directory."
            raise RequestRefused(text, code="InvalidModules")
        self._functions[parsed] = function

    def by_path(self) -> dict[str, Function]:
        """All functions by their canonical paths, sorted."""
        return {path.canonical: self._functions[path] for path in sorted(self._functions, key=lambda p: p.canonical)}

    def snapshot(self) -> dict[FunctionPath, Function]:
        """All functions as they are now, for :meth:`restore`."""
        return dict(self._functions)

    def restore(self, functions: dict[FunctionPath, Function]) -> None:
        """Goes back to a snapshot."""
        self._functions = dict(functions)

    def paths(self) -> list[str]:
        """The paths of all functions, sorted."""
        return sorted(path.stripped for path in self._functions)

    def has(self, path: FunctionPath) -> bool:
        """Whether there is a function of that path, whoever may see it."""
        return path in self._functions

    def has_module(self, module: str) -> bool:
        """Whether some function is in that module."""
        return any(path.module == module for path in self._functions)

    def kind_of(self, path: FunctionPath) -> FunctionKind | None:
        """What a function is; None if there is none."""
        function = self._functions.get(path)
        return None if function is None else function.kind

    def find(self, path: FunctionPath, kind: FunctionKind | None, *, internal_allowed: bool) -> Function:
        """The function of that path.

        Args:
            path: its name.
            kind: what it must be; None accepts every kind.
            internal_allowed: whether the caller may see internal functions.

        Raises:
            FunctionUnavailable: if it does not exist, is not visible, or is of another kind.
        """
        function = self._functions.get(path)
        if function is None:
            function = self._system.get(path)
        if function is None or (function.is_internal and not internal_allowed):
            if kind is None:
                text = f"Could not find function for '{path.stripped}'. Did you forget to run `npx convex dev`?"
            else:
                text = f"Could not find public function for '{path.stripped}'."
            raise FunctionUnavailable(text)
        if kind is not None and function.kind is not kind:
            raise FunctionUnavailable(
                f"Trying to execute {path.canonical} as {kind.value}, but it is defined as {function.kind.value}."
            )
        return function

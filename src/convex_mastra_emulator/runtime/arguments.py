"""What goes into a function and what comes out of it: read, measured, and held against its validators.

convex-backend crates/udf/src/validation.rs, helpers.rs (convex-engine.md §1.9 and §7.6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from convex_mastra_emulator.errors import InvalidArgument, InvalidValue, RequestRefused, ThrownError, UnsupportedType
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.calls import Call, CallFailed
from convex_mastra_emulator.runtime.functions import Function, FunctionKind
from convex_mastra_emulator.runtime.query_builder import QueryBuilder, TableQuery
from convex_mastra_emulator.schema.validators import AnyValidator, TableNumbers
from convex_mastra_emulator.values.display import display, human_size
from convex_mastra_emulator.values.names import client_name_problem
from convex_mastra_emulator.values.size import Measured, take_in, too_nested
from convex_mastra_emulator.values.types import Value, undefined

ReadArguments = Callable[[Limits], list[Measured]]
"""Gives the positional arguments (nearly always one object); raises InvalidValue."""

_ARRAY_OVERHEAD = 2


class UnreadableArguments(RequestRefused):
    """Arguments that came as text which no parser reads: noticed when the function is about to get them.

    Of a query and a mutation it is the function's failure, of an action the request's (crates/application/src/lib.rs
    ``read_only_udf_at_ts``, ``mutation_udf``, ``action_udf``; crates/value/src/serialized_args_ext.rs).
    """

    def __init__(self) -> None:
        super().__init__("Invalid arguments provided", code="InvalidArguments")


class Arguments(NamedTuple):
    """The positional arguments of a call, and the size in bytes of their list."""

    values: list[Value]
    size: int


def python_arguments(args: Any) -> ReadArguments:
    """Arguments given by Python code: a mapping, or None for no arguments.

    Raises:
        UnsupportedType: when it is neither.
    """
    if args is None or args is undefined:
        args = {}
    if not isinstance(args, Mapping):
        raise UnsupportedType(f"The arguments to a Convex function must be an object. Received: {args!r}")

    def read(limits: Limits) -> list[Measured]:
        return [take_in(args, limits)]

    return read


def inner_arguments(args: Any, limits: Limits) -> ReadArguments:
    """Arguments of a call from inside a function: what is no value is refused on the caller's side.

    Raises:
        UnsupportedType: for what is no Convex value.
        ThrownError: for a field name npm convex refuses.
        InvalidArgument: for another value no deployment takes.
    """
    try:
        measured = python_arguments(args)(limits)
    except UnsupportedType:
        raise
    except InvalidValue as error:
        problem = client_name_problem(args)
        if problem is not None:
            raise ThrownError(problem) from None
        raise InvalidArgument(f"Invalid argument `args` for `runUdf`: {error}") from None
    return lambda _limits: measured


def check_arguments(call: Call, read: ReadArguments, limits: Limits, tables: TableNumbers) -> Arguments:
    """The arguments of a call.

    Raises:
        CallFailed: with the deployment's text, if they cannot be read, are too large, or do not match.
        UnreadableArguments: when their text was no JSON for the deployment, and the function is an action.
        UnsupportedType: for what is no Convex value.
    """
    canonical = call.path.canonical
    try:
        measured = read(limits)
        if call.depth == 0:
            _check_list(measured, limits)
    except UnsupportedType:
        raise
    except UnreadableArguments as error:
        if call.function.kind is FunctionKind.ACTION:
            raise
        raise CallFailed(str(error)) from None
    except InvalidValue as error:
        raise CallFailed(f"Invalid arguments for {canonical}: {error}") from None
    values = [argument.value for argument in measured]
    size = _ARRAY_OVERHEAD + sum(argument.size for argument in measured)
    if size > limits.arguments_size_max:
        raise CallFailed(
            f"Arguments for {canonical} are too large "
            f"(actual: {human_size(size)}, limit: {human_size(limits.arguments_size_max)})"
        )
    problem = _arguments_problem(call.function, values, tables)
    if problem is not None:
        raise CallFailed(f"ArgumentValidationError: {problem}")
    return Arguments(values, size)


def _check_list(measured: list[Measured], limits: Limits) -> None:
    """The list of the arguments is one value, a level deeper than they are.

    Only a mutation that calls a function hands over no such list (crates/udf/src/helpers.rs ``parse_udf_args`` and
    ``parse_pending_udf_args``).
    """
    for argument in measured:
        if argument.nesting >= limits.value_nesting_max:
            raise too_nested(argument.nesting + 1, limits)


def _arguments_problem(function: Function, arguments: list[Value], tables: TableNumbers) -> str | None:
    validator = function.arguments
    if validator is None or isinstance(validator, AnyValidator):
        return None
    if len(arguments) != 1:
        return (
            "Expected to receive a single object as the function's argument. "
            f"Instead received {len(arguments)} arguments: {display(arguments)}"
        )
    if type(arguments[0]) is not dict:
        return f"Expected to receive an object as the function's argument. Instead received: {display(arguments[0])}"
    return validator.problem(arguments[0], "", tables)


def check_result(call: Call, returned: Any, limits: Limits, tables: TableNumbers) -> Measured:
    """What a function returned, as a value; missing is null.

    Raises:
        CallFailed: with the deployment's text, if it is too large, breaks a limit, or does not match.
        ThrownError: for what is no Convex value.
    """
    if isinstance(returned, (TableQuery, QueryBuilder)):
        raise ThrownError(
            "Return value is a Query. Results must be retrieved with `.collect()`, `.take(n), `.unique()`, "
            "or `.first()`."
        )
    canonical = call.path.canonical
    try:
        result = take_in(None if returned is undefined else returned, limits)
    except UnsupportedType as error:
        raise ThrownError(str(error)) from None
    except InvalidValue as error:
        problem = client_name_problem(returned)
        if problem is not None:
            raise ThrownError(problem) from None
        raise CallFailed(f"Function {canonical} return value invalid: {error}") from None
    if result.size > limits.return_size_max:
        raise CallFailed(
            f"Function {canonical} return value is too large "
            f"(actual: {human_size(result.size)}, limit: {human_size(limits.return_size_max)})"
        )
    if call.function.returns is not None:
        problem = call.function.returns.problem(result.value, "", tables)
        if problem is not None:
            raise CallFailed(f"ReturnsValidationError: {problem}", is_merged=True)
    return result

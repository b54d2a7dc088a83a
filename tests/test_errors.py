"""The error classes: what can be caught as what, codes, kinds, HTTP statuses (convex-engine.md §10.3)."""

import inspect
import re

import pytest

from convex_mastra_emulator import errors
from convex_mastra_emulator.errors import (
    DeploymentError,
    EmulatorError,
    ErrorKind,
    FunctionError,
    InvalidValue,
    LimitReached,
    RequestRefused,
    UnsupportedType,
)


def error_classes() -> list[type[BaseException]]:
    members = [member for _, member in inspect.getmembers(errors, inspect.isclass)]
    return [member for member in members if issubclass(member, BaseException)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.BAD_REQUEST, 400),
        (ErrorKind.PAGINATION_LIMIT, 400),
        (ErrorKind.UNAUTHENTICATED, 401),
        (ErrorKind.FORBIDDEN, 403),
        (ErrorKind.NOT_FOUND, 404),
        (ErrorKind.CONFLICT, 409),
        (ErrorKind.OUT_OF_RETENTION, 503),
        (ErrorKind.RATE_LIMITED, 429),
        (ErrorKind.OVERLOADED, 503),
        (ErrorKind.INTERNAL, 500),
    ],
)
def test_kind_decides_the_status(kind: ErrorKind, status: int) -> None:
    assert kind.status == status


# Enum members with equal values would be one member, and a limit would then be told as a bad request.
def test_kinds_with_one_status_stay_apart() -> None:
    assert len(ErrorKind) == 10
    assert LimitReached("x", code="TooManyReads").kind is ErrorKind.PAGINATION_LIMIT


def test_everything_derives_from_one_root() -> None:
    assert [cls.__name__ for cls in error_classes() if not issubclass(cls, EmulatorError)] == []


# The tree at the top of the module is its documentation; a class that is not in it does not exist for readers.
def test_tree_in_the_documentation_names_every_class() -> None:
    drawn = re.findall(r"\w+", errors.__doc__ or "")

    assert [cls.__name__ for cls in error_classes() if cls.__name__ not in drawn] == []


def test_error_of_a_deployment_carries_text_code_and_kind() -> None:
    error = RequestRefused("no", code="BadFormat", kind=ErrorKind.NOT_FOUND)

    assert (str(error), error.message, error.code, error.kind) == ("no", "no", "BadFormat", ErrorKind.NOT_FOUND)


def test_error_of_a_deployment_is_a_bad_request_unless_said_otherwise() -> None:
    assert DeploymentError("no").kind is ErrorKind.BAD_REQUEST


# Python code that converts values expects Python's own classes, as PyPI convex raises them.
def test_bad_values_are_pythons_errors_too() -> None:
    assert issubclass(InvalidValue, ValueError)
    assert issubclass(UnsupportedType, TypeError)


def test_failed_call_carries_its_parts() -> None:
    error = FunctionError("[Request ID: 0a] Server Error\nboom\n", message="boom", log_lines=("[LOG] 'a'",))

    assert str(error) == "[Request ID: 0a] Server Error\nboom\n"
    assert (error.message, error.log_lines) == ("boom", ("[LOG] 'a'",))

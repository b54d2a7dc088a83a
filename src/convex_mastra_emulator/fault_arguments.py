"""What a fault may be told: every argument is held against what is expected, and named if it is not that."""

from __future__ import annotations

import math

from convex_mastra_emulator.fault_kinds import FaultKind, Raised

Error = FaultKind | str | Raised | None
"""A kind, its value, an exception, or none for a mere delay."""


def known_kinds() -> str:
    """The values of all kinds, for error texts."""
    return ", ".join(kind.value for kind in FaultKind)


def checked_error(error: Error) -> FaultKind | Raised | None:
    """The kind or the exception that ``error`` means.

    Raises:
        ValueError: for an unknown kind, and for an exception that needs arguments.
        TypeError: for anything else.
    """
    if error is None or isinstance(error, (FaultKind, Exception)):
        return error
    if isinstance(error, str):
        try:
            return FaultKind(error)
        except ValueError:
            raise ValueError(f"unknown error {error!r}; known are: {known_kinds()}, and any exception") from None
    if isinstance(error, type) and issubclass(error, Exception):
        try:
            error()
        except TypeError:
            raise ValueError(f"error={error.__name__} cannot be made without arguments; give an instance") from None
        return error
    raise TypeError(f"error must be one of {known_kinds()}, or an exception, got {error!r}")


def check_count(name: str, value: object, least: int) -> None:
    """Refuses what is neither None nor a whole number of at least that.

    Raises:
        ValueError: naming the argument.
    """
    if value is not None and (type(value) is not int or value < least):
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def check_number(name: str, value: object, most: float | None) -> None:
    """Refuses what is no number from 0 to ``most``; without one it is a number of seconds.

    Raises:
        ValueError: naming the argument.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (most is not None and value > most):  # type: ignore[operator]
        expected = "a number of seconds, at least 0" if most is None else "a number from 0 to 1"
        raise ValueError(f"{name} must be {expected}, got {value!r}")

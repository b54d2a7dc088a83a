"""How the failure of a function is told: to its caller inside the deployment, and to clients.

convex-backend crates/application/src/redaction.rs, crates/common/src/errors.rs, crates/isolate/src/helpers.rs
(convex-engine.md §10.4, convex-wire.md §1.6, checked 2026-11-21).
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from convex import ConvexError, ConvexInt64

from convex_mastra_emulator.database.pagination import InvalidCursor
from convex_mastra_emulator.errors import EmulatorError, FunctionError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.javascript import stringify
from convex_mastra_emulator.values.size import take_in
from convex_mastra_emulator.values.types import Undefined, Value, undefined

# convex-js src/values/value.ts MAX_VALUE_FOR_ERROR_LEN
_DATA_TEXT_MAX = 16_384
_TRUNCATED = "[...truncated]"
_REQUEST_ID = re.compile(r"\[Request ID: [^\]]*\] Server Error\n?")
_FRAME = re.compile(r"\n {4}at [^\n]*")
_OWN_PACKAGE = __name__.split(".", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a function failed.

    Attributes:
        message: the deployment's text without request id and frames.
        frames: one line per frame of the function's own code, innermost first.
        data: what a ``ConvexError`` carries; :data:`undefined` for any other failure.
    """

    message: str
    frames: tuple[str, ...] = ()
    data: Value | Undefined = undefined

    @property
    def nested_text(self) -> str:
        """The message a calling function sees: with frames, if there are any."""
        return self.message + "".join(f"\n{frame}" for frame in self.frames) + ("\n" if self.frames else "")

    @property
    def log_text(self) -> str:
        """The message and the frames, one line each, as the deployment's log tells them."""
        return f"{self.message}\n" + "".join(f"{frame}\n" for frame in self.frames)

    def client_text(self, request_id: str, *, is_redacted: bool) -> str:
        """The ``errorMessage`` of a response."""
        head = f"[Request ID: {request_id}] Server Error"
        if is_redacted:
            return head
        return f"{head}\n{self.log_text}"


class FailureThrown(EmulatorError):
    """Ends a function with a failure that is known already, as one of a function in Node is.

    Attributes:
        failure: as told.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class NestedConvexError(ConvexError):
    """A ``ConvexError`` of a called function, as its caller sees it: the data, and the inner text as its message."""


def thrown(error: Exception, limits: Limits) -> Failure:
    """The failure of a function whose body raised ``error``."""
    if isinstance(error, FailureThrown):
        return replace(error.failure, message=_cut(error.failure.message, limits))
    if isinstance(error, InvalidCursor):
        return Failure(message=f"Uncaught ConvexError: {error}", data=dict(error.data))
    if isinstance(error, ConvexError):
        return _convex_error(error, limits)
    name = _javascript_name(error)
    text = str(error)
    message = "Uncaught " + (f"{name}: {text}" if text else name)
    return Failure(message=_cut(message, limits), frames=_frames(error))


def _javascript_name(error: Exception) -> str:
    kind = type(error)
    return "Error" if kind is Exception or (isinstance(error, EmulatorError)) else kind.__name__


def _convex_error(error: ConvexError, limits: Limits) -> Failure:
    try:
        data = take_in(error.data, limits).value
    except EmulatorError as problem:
        return Failure(message=f"ConvexError with invalid data: {problem}")
    if isinstance(error, NestedConvexError):
        text = str(error)
    else:
        text = data if isinstance(data, str) else _data_text(error.data)
    return Failure(message=_cut(f"Uncaught ConvexError: {text}", limits), frames=_frames(error), data=data)


def _data_text(data: Any) -> str:
    """The data as JSON text, in the order it was written in, Int64 as ``5n``; cut to 16,384 characters."""
    text = stringify(_without_int64(data))
    return text if len(text) <= _DATA_TEXT_MAX else text[: _DATA_TEXT_MAX - len(_TRUNCATED)] + _TRUNCATED


def _without_int64(value: Any) -> Any:
    if isinstance(value, ConvexInt64):
        return f"{value.value}n"
    if isinstance(value, Mapping):
        return {name: _without_int64(item) for name, item in value.items()}
    return [_without_int64(item) for item in value] if isinstance(value, (list, tuple)) else value


def _cut(message: str, limits: Limits) -> str:
    data = message.encode()
    if len(data) <= limits.error_message_size_max:
        return message
    return data[: limits.error_message_size_max].decode(errors="ignore")


def _frames(error: Exception) -> tuple[str, ...]:
    """The frames outside this package: as a deployment shows only the developer's own."""
    lines = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if module.split(".", 1)[0] == _OWN_PACKAGE:
            continue
        lines.append(f"    at {frame.f_code.co_name} (../{module.replace('.', '/')}.py:{line}:1)")
    return tuple(reversed(lines))


def developer_text(text: str) -> str:
    """The text of an error as a client sees it, without request id and frames."""
    return _FRAME.sub("", _REQUEST_ID.sub("", text, count=1)).removesuffix("\n")


def raised_to_client(failure: Failure, request_id: str, log_lines: tuple[str, ...], *, is_redacted: bool) -> Exception:
    """The exception an in-process caller gets: ``ConvexError`` with data, else :class:`FunctionError`."""
    text = failure.client_text(request_id, is_redacted=is_redacted)
    if failure.data is not undefined:
        return _with_data(text, failure.data)
    return FunctionError(
        text,
        message="Server Error" if is_redacted else failure.message,
        log_lines=() if is_redacted else log_lines,
    )


def _with_data(text: str, data: Any) -> ConvexError:
    return ConvexError(text, data)

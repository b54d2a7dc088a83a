"""Every error of the package, and nothing else.

    EmulatorError
    ├── NotEmulated            we lack something a deployment has
    ├── DataFileRefused        a file of data that cannot be opened; it stays as it is
    ├── DeploymentError        what a deployment refuses, in its words; has a code and a kind
    │   ├── InvalidValue           a value no deployment takes (size, nesting, field names)
    │   │   └── UnsupportedType    a Python object that is no Convex value
    │   ├── InvalidArgument        a database call got a bad argument
    │   ├── InvalidDocument        a document that may not be stored
    │   ├── NonexistentDocument    a write to a document that is not there
    │   ├── SchemaViolation        a document does not match its table's validator
    │   ├── SchemaDefinitionError  the schema itself is wrong
    │   ├── LimitReached           a transaction asked for more than it may have
    │   ├── InvalidQuery           a query, page or vector search that cannot run
    │   ├── FunctionUnavailable    no such function, not visible, or of another kind
    │   ├── RequestRefused         a request fails before any function runs (keys, paths, formats)
    │   └── DataNotWritten         the file of data could not be written; nothing was changed
    ├── ThrownError            what a function throws with ``throw new Error(text)``
    ├── FunctionError          how a failed call reaches its caller: the text a client sees
    └── DeploymentUnreachable  nobody answers

Kinds and HTTP statuses: convex-backend crates/errors/src/lib.rs (convex-engine.md §10.3, checked 2026-11-21).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convex_mastra_emulator.fault_kinds import Strike


class ErrorKind(Enum):
    """The deployment's classes of refusals; the value is the HTTP status of a refused request."""

    BAD_REQUEST = 400, "BadRequest"
    PAGINATION_LIMIT = 400, "PaginationLimit"
    UNAUTHENTICATED = 401, "Unauthenticated"
    FORBIDDEN = 403, "Forbidden"
    NOT_FOUND = 404, "NotFound"
    CONFLICT = 409, "Conflict"
    OUT_OF_RETENTION = 503, "OutOfRetention"
    RATE_LIMITED = 429, "RateLimited"
    OVERLOADED = 503, "Overloaded"
    INTERNAL = 500, "InternalServerError"

    @property
    def status(self) -> int:
        """The HTTP status code of a request refused with this kind."""
        return self.value[0]


INTERNAL_ERROR_TEXT = "Your request couldn't be completed. Try again later."


class EmulatorError(Exception):
    """Root of everything this package raises.

    Attributes:
        fault: the fault that a test had armed and that is behind the error; None for any other.
    """

    fault: Strike | None = None


class NotEmulated(EmulatorError):
    """A deployment has this, the emulator does not.  The text says what to do instead."""


class DataFileRefused(EmulatorError):
    """A file of data that cannot be opened; it stays as it is.  The text names it and says why."""


class DeploymentError(EmulatorError):
    """A refusal in the deployment's words.

    Attributes:
        code: the machine code (``ErrorMetadata.short_msg``), for example ``IndexNotFoundError``.
        kind: decides the HTTP status, and whether a function may catch the error.
    """

    default_code = "BadRequest"

    def __init__(self, message: str, *, code: str | None = None, kind: ErrorKind = ErrorKind.BAD_REQUEST) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.kind = kind


class InvalidValue(DeploymentError, ValueError):
    """A value that no deployment accepts, wherever it stands."""

    default_code = "InvalidValue"


class UnsupportedType(InvalidValue, TypeError):
    """A Python object that is no Convex value."""

    default_code = "UnsupportedType"


class InvalidArgument(DeploymentError):
    """A database call got a bad argument; the code hides the cause's (convex-engine.md §3.3)."""

    default_code = "InvalidArgument"


class InvalidDocument(DeploymentError):
    """A document that may not be stored: its system fields, its nesting, its field names, its size."""

    default_code = "InvalidDocumentError"


class NonexistentDocument(DeploymentError):
    """Patch, replace or delete of a document that is not there."""

    default_code = "NonexistentDocument"


class SchemaViolation(DeploymentError):
    """A document does not match the validator of its table.

    Attributes:
        table: the table's name, where it is known.
    """

    default_code = "SchemaEnforcementError"
    table: str | None = None


class SchemaDefinitionError(DeploymentError):
    """A schema no deployment would take."""

    default_code = "SchemaDefinitionError"


class LimitReached(DeploymentError):
    """One transaction asked for more than its deployment allows."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code, kind=ErrorKind.PAGINATION_LIMIT)


class InvalidQuery(DeploymentError):
    """A query, a page or a vector search that cannot be run as asked."""

    default_code = "InvalidQuery"


class FunctionUnavailable(DeploymentError):
    """The function does not exist, is not visible to the caller, or is of another kind."""

    default_code = "InvalidArgs"


class RequestRefused(DeploymentError):
    """A request that fails before a function runs: key, token, path, format, body."""


class DataNotWritten(DeploymentError):
    """The file of data could not be written, so nothing was changed; clients see an internal error."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="InternalServerError", kind=ErrorKind.INTERNAL)


class ThrownError(EmulatorError):
    """What a deployed function throws with ``throw new Error(text)``."""


class FunctionError(EmulatorError):
    """A call failed inside the deployment; ``str(error)`` is the text every client sees.

    Attributes:
        message: the developer's part of the text, without request id and frames.
        log_lines: what the function had logged, one string per line.
    """

    def __init__(self, error_message: str, *, message: str, log_lines: tuple[str, ...] = ()) -> None:
        super().__init__(error_message)
        self.message = message
        self.log_lines = log_lines


class DeploymentUnreachable(EmulatorError):
    """Nobody answers at the URL, or the connection was cut; whether the function ran, nobody knows."""

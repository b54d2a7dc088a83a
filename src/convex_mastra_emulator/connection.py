"""A deployment at a URL: production, a local backend, or a served emulator, over the HTTP function API.

Built on PyPI convex' ``ConvexHttpClient`` (its requests, its values), with what that lacks: a time-out on every
call, one connection for many calls, and errors of the same classes and texts as in process.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from convex import ConvexError

from convex_mastra_emulator.errors import (
    DeploymentUnreachable,
    EmulatorError,
    ErrorKind,
    FunctionError,
    InvalidValue,
    RequestRefused,
    UnsupportedType,
)
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.failures import developer_text
from convex_mastra_emulator.values.codec import decode, encode
from convex_mastra_emulator.values.size import take_in

if TYPE_CHECKING:
    import requests

_OK = 200
_LIMITS = Limits()
_KINDS = {kind.status: kind for kind in ErrorKind if kind is not ErrorKind.PAGINATION_LIMIT}


class DeadlineExceeded(EmulatorError):
    """A call took longer than its caller allows; the text names the URL and the call."""


class ConnectedDeployment:
    """A deployment at a URL; usable from several threads, one call at a time each.

    Args:
        url: such as ``https://happy-animal-123.convex.cloud``.
        admin_key: what makes the caller an administrator; None calls as nobody in particular.
        timeout_seconds: how long a call may take.
    """

    def __init__(self, url: str, admin_key: str | None = None, *, timeout_seconds: float = 30.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, got {url!r}")
        # Imported when somebody connects: `requests` takes longer than everything else here together.
        import requests
        from convex.http_client import ConvexHttpClient

        self.url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        client = ConvexHttpClient(self.url)
        self._session.headers.update(client.headers)
        if admin_key:
            client.set_admin_auth(admin_key)
            self._session.headers["Authorization"] = client.auth or ""

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value.

        Raises:
            FunctionError: if it fails, with the text a client sees.
            convex.ConvexError: if it threw one.
            RequestRefused: with code and kind, if the deployment refuses the request.
            UnsupportedType: for arguments that are no Convex values; nothing is sent.
            DeploymentUnreachable: if nobody answers.
            DeadlineExceeded: if the answer takes too long.
        """
        return self._call("query", path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value; raises what :meth:`query` does."""
        return self._call("mutation", path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value; raises what :meth:`query` does."""
        return self._call("action", path, args)

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()

    def __enter__(self) -> ConnectedDeployment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, kind: str, path: str, args: Any) -> Any:
        import requests

        body = {"path": path, "format": "convex_encoded_json", "args": _arguments_json(args)}
        try:
            response = self._session.post(f"{self.url}/api/{kind}", json=body, timeout=self._timeout_seconds)
        except requests.Timeout:
            raise DeadlineExceeded(
                f"{kind} {path} at {self.url} gave no answer within {self._timeout_seconds:g} seconds"
            ) from None
        except requests.RequestException as error:
            raise DeploymentUnreachable(f"{kind} {path}: cannot reach {self.url}: {error}") from None
        return _value_of(response)


def connect(url: str, admin_key: str | None = None, *, timeout_seconds: float = 30.0) -> ConnectedDeployment:
    """A deployment at a URL.

    Args:
        url: such as ``https://happy-animal-123.convex.cloud`` or the ``CONVEX_URL`` that ``serve`` prints.
        admin_key: its admin or deploy key; None calls as nobody in particular.
        timeout_seconds: how long a call may take.

    Raises:
        ValueError: if ``url`` is none.
    """
    return ConnectedDeployment(url, admin_key, timeout_seconds=timeout_seconds)


def _arguments_json(args: Any) -> Any:
    """Encoded JSON of the arguments, for the deployment to judge: it says what it takes, in its own words.

    Raises:
        UnsupportedType: for what is no Convex value at all.
    """
    read = python_arguments(args)
    try:
        [arguments] = read(_LIMITS)
    except UnsupportedType:
        raise
    except InvalidValue:
        return _unjudged(args)
    return encode(arguments.value)


def _unjudged(value: Any) -> Any:
    """Encoded JSON of a value some part of which no deployment takes."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise UnsupportedType(f"Convex object keys must be strings, found {name!r}")
        return {name: _unjudged(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unjudged(item) for item in value]
    return encode(take_in(value, _LIMITS).value)


def _value_of(response: requests.Response) -> Any:
    try:
        # Some deployments write 1, others 1.0; both mean a Float64.
        answer = response.json(parse_int=float)
    except ValueError:
        answer = None
    if not isinstance(answer, Mapping):
        raise RequestRefused(
            f"{response.status_code} without a JSON body: {response.text[:200]}",
            code="InvalidResponse",
            kind=_KINDS.get(response.status_code, ErrorKind.INTERNAL),
        )
    if response.status_code != _OK:
        raise RequestRefused(
            str(answer.get("message", "")),
            code=str(answer.get("code", "")),
            kind=_KINDS.get(response.status_code, ErrorKind.INTERNAL),
        )
    if answer.get("status") == "success" and "value" in answer:
        return _value(answer["value"])
    if "errorMessage" not in answer:
        raise RequestRefused(
            f"200 without an answer of a function: {response.text[:200]}",
            code="InvalidResponse",
            kind=ErrorKind.INTERNAL,
        )
    text = str(answer["errorMessage"])
    if "errorData" in answer:
        raise ConvexError(text, _value(answer["errorData"]))
    raise FunctionError(
        text, message=developer_text(text) or "Server Error", log_lines=tuple(answer.get("logLines", ()))
    )


def _value(json: Any) -> Any:
    return decode(json, _LIMITS)

"""A deployment at a URL: the same values, and errors of the same classes and texts, as in process.

Every comparison runs the same call on one emulator twice: in process, and over HTTP.
"""

import gc
import re
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import Emulator, action, connect, mutation, query
from convex_mastra_emulator.connection import ConnectedDeployment, DeadlineExceeded
from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.errors import (
    DeploymentUnreachable,
    ErrorKind,
    FunctionError,
    RequestRefused,
    ThrownError,
    UnsupportedType,
)
from convex_mastra_emulator.server import ServedEmulator, serve
from tests.clients.live_functions import FUNCTIONS, VALUES

REQUEST_ID = re.compile(r"\[Request ID: [0-9a-f]{16}\]")


@pytest.fixture(scope="module")
def deployment() -> Iterator[Emulator]:
    with Emulator(seed=1) as emulator:
        for path, function in FUNCTIONS.items():
            emulator.define(path, function)
        yield emulator


@pytest.fixture(scope="module")
def served(deployment: Emulator) -> Iterator[ServedEmulator]:
    with serve(deployment) as served:
        yield served


@pytest.fixture
def connected(served: ServedEmulator) -> Iterator[ConnectedDeployment]:
    with connect(served.url, served.admin_key) as connected:
        yield connected


def error_of(target: Deployment, kind: str, path: str, args: Any = None) -> Exception:
    with pytest.raises(Exception, match=r".") as raised:
        getattr(target, kind)(path, args)
    return raised.value


def without_request_id(error: Exception) -> str:
    return REQUEST_ID.sub("[Request ID]", str(error))


# Values


def test_connection_is_a_deployment(connected: ConnectedDeployment) -> None:
    def list_of(target: Deployment) -> Any:
        return target.query("live:list", {"room": "connection-protocol"})

    assert list_of(connected) == []


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back_as_in_process(connected: ConnectedDeployment, deployment: Emulator, name: str) -> None:
    over_http = connected.query("live:values")[name]
    in_process: Any = deployment.query("live:values")

    assert repr(over_http) == repr(in_process[name])


@pytest.mark.parametrize("path", ["live:echo", "live:echoMutation", "live:echoAction"])
@pytest.mark.parametrize("name", VALUES)
def test_values_go_there_as_in_process(
    connected: ConnectedDeployment, deployment: Emulator, path: str, name: str
) -> None:
    kind = {"live:echo": "query", "live:echoMutation": "mutation", "live:echoAction": "action"}[path]
    args = {"value": VALUES[name]}

    over_http = getattr(connected, kind)(path, args)

    assert repr(over_http) == repr(getattr(deployment, kind)(path, args))


def test_whole_numbers_become_floats(connected: ConnectedDeployment) -> None:
    value = connected.query("live:echo", {"value": 3})

    assert (value, type(value)) == (3.0, float)


# Errors


@pytest.mark.parametrize(
    ("kind", "path", "args"),
    [
        ("mutation", "live:refuse", None),
        ("query", "live:refuseQuery", None),
        ("action", "live:refuseAction", None),
        ("query", "live:missing", None),
        ("query", "live:send", None),
        ("mutation", "live:refuse", {"data": "text"}),
        ("query", "live:refuseQuery", {"data": {"code": ConvexInt64(4)}}),
        ("action", "live:refuseAction", {"data": None}),
        ("query", "not-a:path", None),
        ("query", "live:echo", ["no", "object"]),
    ],
)
def test_errors_are_those_of_the_process(
    connected: ConnectedDeployment, deployment: Emulator, kind: str, path: str, args: Any
) -> None:
    over_http, in_process = error_of(connected, kind, path, args), error_of(deployment, kind, path, args)

    assert type(over_http) is type(in_process)
    assert without_request_id(over_http) == without_request_id(in_process)
    for attribute in ("data", "message", "log_lines", "code", "kind"):
        assert getattr(over_http, attribute, None) == getattr(in_process, attribute, None), attribute


@pytest.mark.parametrize("value", [{"$reserved": 1}, [{"a": {"": 1, "$b": 2}}], {"é": 1}, {"_id": 1, "$": b"x"}])
def test_value_that_no_deployment_takes_is_refused_by_the_deployment(
    connected: ConnectedDeployment, deployment: Emulator, value: Any
) -> None:
    over_http, in_process = (
        error_of(target, "query", "live:echo", {"value": value}) for target in (connected, deployment)
    )

    assert type(over_http) is type(in_process) is FunctionError
    assert without_request_id(over_http) == without_request_id(in_process)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1, 2}, "set {1, 2} is not a supported Convex type."),
        ({1: 2}, "Convex object keys must be strings, found 1"),
    ],
)
def test_what_is_no_value_is_not_sent(
    connected: ConnectedDeployment, deployment: Emulator, value: Any, text: str
) -> None:
    with pytest.raises(UnsupportedType, match=re.escape(text)):
        connected.query("live:echo", {"value": value})

    assert text in str(error_of(deployment, "query", "live:echo", {"value": value}))


def test_developer_sees_the_message_alone(connected: ConnectedDeployment) -> None:
    with pytest.raises(FunctionError, match="no such room") as failed:
        connected.mutation("live:refuse")

    assert failed.value.message == "Uncaught Error: no such room"


def test_log_lines_of_a_failure_are_kept() -> None:
    def fail(ctx: Any, args: Any) -> None:
        ctx.console.log("on the way")
        raise ThrownError("over several\n    lines")

    with Emulator(seed=1) as emulator, serve(emulator) as served, connect(served.url) as connected:
        emulator.define("logs:fail", mutation(fail))
        over_http, in_process = (
            error_of(connected, "mutation", "logs:fail"),
            error_of(emulator, "mutation", "logs:fail"),
        )

    assert isinstance(over_http, FunctionError)
    assert isinstance(in_process, FunctionError)
    assert over_http.log_lines == in_process.log_lines == ("[LOG] 'on the way'",)
    assert over_http.message == in_process.message == "Uncaught Error: over several\n    lines"


def test_redacted_errors_are_those_of_the_process() -> None:
    with Emulator(seed=1, redact_errors=True) as emulator, serve(emulator) as served, connect(served.url) as connected:
        emulator.define("live:refuse", FUNCTIONS["live:refuse"])
        over_http, in_process = (error_of(target, "mutation", "live:refuse") for target in (connected, emulator))
        thrown_here, thrown_there = (
            error_of(target, "mutation", "live:refuse", {"data": "d"}) for target in (emulator, connected)
        )

    assert without_request_id(over_http) == without_request_id(in_process) == "[Request ID] Server Error"
    assert isinstance(over_http, FunctionError)
    assert over_http.message == getattr(in_process, "message", None) == "Server Error"
    assert isinstance(thrown_there, ConvexError)
    assert thrown_there.data == getattr(thrown_here, "data", None) == "d"


def test_wrong_key_is_refused(served: ServedEmulator) -> None:
    text = "The provided admin key was invalid for this instance"
    with connect(served.url, "wrong|key") as connected, pytest.raises(RequestRefused, match=text) as refused:
        connected.query("live:echo", {"value": 1})

    assert (refused.value.code, refused.value.kind) == ("BadAdminKey", ErrorKind.UNAUTHENTICATED)


def test_without_a_key_internal_functions_are_hidden(served: ServedEmulator, connected: ConnectedDeployment) -> None:
    assert connected.query("live:secret") == "secret"

    with connect(served.url) as nobody, pytest.raises(FunctionError, match="Could not find public function"):
        nobody.query("live:secret")


# Peers that are no deployment


@contextmanager
def answering(content: bytes, *, status: int = 200, length: int | None = None) -> Iterator[str]:
    """A server that answers everything so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listening() -> Iterator[str]:
    """A peer that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("status", "content", "text", "kind"),
    [
        (200, b"<html>", "200 without a JSON body: <html>", ErrorKind.INTERNAL),
        (200, b"[]", "200 without a JSON body: []", ErrorKind.INTERNAL),
        (404, b"", "404 without a JSON body: ", ErrorKind.NOT_FOUND),
        (502, b"Bad Gateway", "502 without a JSON body: Bad Gateway", ErrorKind.INTERNAL),
        (200, b'{"hello":1}', '200 without an answer of a function: {"hello":1}', ErrorKind.INTERNAL),
        (200, b'{"status":"success"}', "200 without an answer of a function: ", ErrorKind.INTERNAL),
    ],
)
def test_answer_that_is_none_is_refused(status: int, content: bytes, text: str, kind: ErrorKind) -> None:
    with (
        answering(content, status=status) as url,
        connect(url) as connected,
        pytest.raises(RequestRefused, match=re.escape(text)) as refused,
    ):
        connected.query("live:echo")

    assert (refused.value.code, refused.value.kind) == ("InvalidResponse", kind)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, ErrorKind.BAD_REQUEST), (403, ErrorKind.FORBIDDEN), (418, ErrorKind.INTERNAL)]
)
def test_refusal_keeps_its_code_and_kind(status: int, kind: ErrorKind) -> None:
    with (
        answering(b'{"code":"TheCode","message":"the message"}', status=status) as url,
        connect(url) as connected,
        pytest.raises(RequestRefused, match=r"^the message$") as refused,
    ):
        connected.query("live:echo")

    assert (refused.value.code, refused.value.kind) == ("TheCode", kind)


def test_answer_that_breaks_off_is_unreachable() -> None:
    with (
        answering(b'{"status":', length=100) as url,
        connect(url) as connected,
        pytest.raises(DeploymentUnreachable, match=re.escape(f"query live:echo: cannot reach {url}: ")),
    ):
        connected.query("live:echo")


def test_nobody_at_the_address() -> None:
    with listening() as url:
        pass

    with (
        connect(url) as connected,
        pytest.raises(DeploymentUnreachable, match=re.escape(f"mutation live:send: cannot reach {url}: ")),
    ):
        connected.mutation("live:send")


def test_peer_that_says_nothing() -> None:
    with listening() as url, connect(url, timeout_seconds=0.1) as connected:
        text = re.escape(f"action live:wait at {url} gave no answer within 0.1 seconds")
        with pytest.raises(DeadlineExceeded, match=f"^{text}$"):
            connected.action("live:wait")


def test_call_that_takes_too_long(served: ServedEmulator) -> None:
    with (
        connect(served.url, timeout_seconds=0.1) as connected,
        pytest.raises(DeadlineExceeded, match=r"gave no answer within 0\.1 seconds"),
    ):
        connected.action("live:wait", {"seconds": 0.5})


@pytest.mark.parametrize("url", ["", "127.0.0.1:3210", "ws://127.0.0.1:3210", "ftp://x"])
def test_url_must_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="url must begin with http:// or https://, got "):
        connect(url)


def test_slash_at_the_end_does_not_matter(served: ServedEmulator) -> None:
    with connect(served.url + "/", served.admin_key) as connected:
        assert connected.query("live:echo", {"value": "x"}) == "x"


# Connections


def test_many_calls_take_one_connection() -> None:
    with Emulator(seed=1) as emulator, serve(emulator) as served, connect(served.url) as connected:
        emulator.define("live:echo", query(lambda ctx, args: args["value"]))
        for _ in range(5):
            connected.query("live:echo", {"value": 1})
        adapter: Any = connected._session.get_adapter(served.url)
        pool = next(iter(adapter.poolmanager.pools._container.values()))

        assert (pool.num_connections, pool.num_requests) == (1, 5)


# A connection that is left open is a ResourceWarning when it is collected, in somebody else's test.
def test_connections_are_closed() -> None:
    with Emulator(seed=1) as emulator, serve(emulator) as served:
        emulator.define("live:echo", action(lambda ctx, args: None))
        with connect(served.url) as connected:
            connected.action("live:echo")
        del connected
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gc.collect()

    assert [str(warning.message) for warning in caught if "socket" in str(warning.message)] == []

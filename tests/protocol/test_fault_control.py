"""Faults of a served emulator from outside, over the control plane: for administrators only."""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

KEY = "control|key"
ARM, CLEAR = "/_emulator/faults", "/_emulator/faults/clear"


@pytest.fixture
def api(emulator: Emulator) -> DeploymentApi:
    return DeploymentApi(emulator, admin_key=KEY, instance_name="control")


def post(api: DeploymentApi, path: str, body: Any = None, key: str | None = KEY) -> tuple[int, Any]:
    headers = {} if key is None else {"authorization": f"Convex {key}"}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = api.http.handle(HttpRequest(method="POST", path=path, headers=headers, body=data))[0]
    return response.status, json.loads(response.body)


def test_fault_is_armed_with_everything_fail_takes(api: DeploymentApi, emulator: Emulator) -> None:
    fields = {"path": "notes.js:add", "error": "refused", "times": 2, "probability": 0.5, "after": 1, "delay": 0.25}

    assert post(api, ARM, fields | {"code": "Full", "message": "No."}) == (200, {"id": 1})
    assert post(api, ARM, {"path": "*", "delay": 1}) == (200, {"id": 2})

    first, second = emulator.faults.armed
    assert (first.path, first.text, first.times, first.after, first.delay) == ("notes:add", "refused", 2, 1, 0.25)
    assert first.probability == 0.5
    assert (second.path, second.text, second.times) == ("*", "delay 1 s", None)


def test_end_of_a_socket_is_armed(api: DeploymentApi, emulator: Emulator) -> None:
    assert post(api, ARM, {"at_message": 3, "code": 1001}) == (200, {"id": 1})

    assert [str(fault) for fault in emulator.faults] == ["close_socket 1001 at message 3"]


def test_one_fault_or_all_are_cleared_and_counted(api: DeploymentApi, emulator: Emulator) -> None:
    for path in ("a:f", "b:f", "c:f"):
        post(api, ARM, {"path": path, "error": "refused"})
    with pytest.raises(RequestRefused):
        emulator.query("b:f")

    assert post(api, CLEAR, {"id": 2}) == (200, {"counts": {"2": 1}})
    assert [fault.path for fault in emulator.faults.armed] == ["a:f", "c:f"]
    assert post(api, CLEAR, {}) == (200, {"counts": {"1": 0, "3": 0}})
    assert list(emulator.faults) == []


def test_empty_body_clears_all(api: DeploymentApi, emulator: Emulator) -> None:
    emulator.faults.fail("*", "overloaded")

    assert post(api, CLEAR, b"") == (200, {"counts": {}})
    assert list(emulator.faults) == []


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        (ARM, b"{", "the body is no JSON: "),
        (ARM, [], "the body must be a JSON object"),
        (ARM, {"error": "refused"}, "the field 'path' is missing"),
        (ARM, {"path": "*"}, "fail() needs error= or delay=; "),
        (ARM, {"path": "*", "error": "x"}, "unknown error 'x'; known are: write_conflict, "),
        (ARM, {"path": "*", "error": "refused", "time": 1}, "unknown field 'time'; known are: path, error, times, "),
        (ARM, {"path": "*", "error": "refused", "times": 0}, "times must be a whole number of at least 1, got 0"),
        (ARM, {"path": "a b", "error": "refused"}, "a b is not a valid path to a Convex function. "),
        (ARM, {"at_message": 1, "path": "*"}, "unknown field 'path'; known are: at_message, code, times"),
        (ARM, {"at_message": "1"}, "at_message must be a whole number of at least 1, got '1'"),
        (CLEAR, {"id": 9}, "there is no fault with the id 9"),
        (CLEAR, {"id": "x"}, "there is no fault with the id 'x'"),
    ],
)
def test_bad_body_is_refused_and_nothing_is_armed(
    api: DeploymentApi, emulator: Emulator, path: str, body: Any, text: str
) -> None:
    status, answer = post(api, path, body)

    assert (status, answer["code"]) == (400, "InvalidFault")
    assert answer["message"].startswith(text)
    assert list(emulator.faults) == []


@pytest.mark.parametrize("key", [None, "control|other"])
@pytest.mark.parametrize("path", [ARM, CLEAR])
def test_others_may_not(api: DeploymentApi, emulator: Emulator, path: str, key: str | None) -> None:
    status, _ = post(api, path, {"path": "*", "error": "refused"}, key)

    assert status in (401, 403)
    assert list(emulator.faults) == []


# A test that cuts every connection must be able to end that.
def test_control_plane_is_never_struck(api: DeploymentApi, emulator: Emulator) -> None:
    post(api, ARM, {"path": "*", "error": "connection_cut"})

    assert post(api, CLEAR, {"id": 1}) == (200, {"counts": {"1": 0}})

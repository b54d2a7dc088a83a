"""What clients see of a file of data that cannot be written or is closed: an internal error, nothing of the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, action, mutation
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.sync_outputs import Close
from tests.protocol.sync_client import SyncClient, api_of
from tests.runtime.test_saved_state import full_disk

INTERNAL = {"code": "InternalServerError", "message": "Your request couldn't be completed. Try again later."}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(path=tmp_path / "data.db") as emulator:
        emulator.define("n:add", mutation(lambda ctx, args: ctx.db.insert("notes", {})))
        emulator.define("n:act", action(lambda ctx, args: ctx.run_mutation("n:add", {})))
        yield emulator


def call(emulator: Emulator, route: str, path: str) -> HttpResponse:
    api = HttpApi(emulator, Authenticator("files|secret"), instance_name="files")
    body = json.dumps({"path": path, "args": {}}).encode()
    headers = {"content-type": "application/json"}
    response, _ = api.handle(HttpRequest(method="POST", path=f"/api/{route}", headers=headers, body=body))
    return response


def test_a_mutation_that_cannot_be_written_is_an_internal_error(disk: Emulator) -> None:
    with full_disk(disk):
        response = call(disk, "mutation", "n:add")

    assert (response.status, json.loads(response.body)) == (500, INTERNAL)
    assert call(disk, "mutation", "n:add").status == 200
    assert disk.table_counts() == {"notes": 1}


# An action may catch it, as it may on a deployment.
def test_an_action_gets_the_text_of_an_internal_error(disk: Emulator) -> None:
    with full_disk(disk):
        answer: dict[str, Any] = json.loads(call(disk, "action", "n:act").body)

    assert answer["status"] == "error"
    assert "Uncaught Error: Your request couldn't be completed. Try again later." in answer["errorMessage"]


def test_a_socket_is_closed(disk: Emulator) -> None:
    client = SyncClient(api_of(disk))
    with full_disk(disk):
        assert client.send(type="Mutation", requestId=0, udfPath="n:add", args=[{}]) == []

    assert client.closed == Close(1011, "InternalServerError")


@pytest.mark.parametrize(("route", "path"), [("mutation", "n:add"), ("action", "n:act")])
def test_calls_of_a_closed_emulator_are_internal_errors(disk: Emulator, route: str, path: str) -> None:
    disk.close()

    response = call(disk, route, path)

    assert (response.status, json.loads(response.body)) == (500, INTERNAL)

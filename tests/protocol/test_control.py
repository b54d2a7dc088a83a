"""The control plane: marks of a served emulator, for administrators only."""

import gc
import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.control import Control
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse

KEY = "control|key"


@pytest.fixture
def api(emulator: Emulator) -> DeploymentApi:
    return DeploymentApi(emulator, admin_key=KEY, instance_name="control")


def post(api: DeploymentApi, path: str, key: str | None = KEY) -> HttpResponse:
    headers = {} if key is None else {"authorization": f"Convex {key}"}
    return api.http.handle(HttpRequest(method="POST", path=path, headers=headers, body=b"{}"))[0]


def answer(response: HttpResponse) -> Any:
    return json.loads(response.body)


def insert(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.db.insert("notes", {}))


def test_rollback_goes_back_to_the_mark_again_and_again(api: DeploymentApi, emulator: Emulator) -> None:
    insert(emulator)
    assert answer(post(api, "/_emulator/mark")) == {"marks": 1}

    for _ in range(2):
        insert(emulator)
        insert(emulator)
        assert answer(post(api, "/_emulator/rollback")) == {"marks": 1}
        assert emulator.table_counts() == {"notes": 1}


def test_the_last_mark_counts(api: DeploymentApi, emulator: Emulator) -> None:
    post(api, "/_emulator/mark")
    insert(emulator)
    assert answer(post(api, "/_emulator/mark")) == {"marks": 2}
    insert(emulator)

    post(api, "/_emulator/rollback")

    assert emulator.table_counts() == {"notes": 1}


def test_rollback_without_a_mark_is_refused(api: DeploymentApi) -> None:
    response = post(api, "/_emulator/rollback")

    assert (response.status, answer(response)["code"]) == (400, "NoMark")


@pytest.mark.parametrize("key", [None, "control|other"])
@pytest.mark.parametrize("path", ["/_emulator/mark", "/_emulator/rollback"])
def test_others_may_not(api: DeploymentApi, path: str, key: str | None) -> None:
    assert post(api, path, key).status in (401, 403)


def test_only_post_is_there(api: DeploymentApi) -> None:
    assert api.http.handle(HttpRequest(method="GET", path="/_emulator/mark"))[0].status == 405


# Otherwise what was written after a mark would be gone as soon as the server is.
def test_a_mark_outlives_the_server(emulator: Emulator) -> None:
    Control(emulator).mark()
    emulator.run(lambda ctx: ctx.db.insert("notes", {}))

    gc.collect()

    assert emulator.table_counts() == {"notes": 1}

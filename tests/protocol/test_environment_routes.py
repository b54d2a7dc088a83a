"""Environment variables through the network: who may read and change them, and what is refused in which words.

Rules: convex-backend crates/local_backend/src/environment_variables.rs (convex-wire.md §5.1).
"""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.pushes import PushedApp
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule
from tests.protocol.admin_client import AdminClient, answer
from tests.protocol.sync_client import ADMIN_KEY, add

UPDATE, LIST = "/api/update_environment_variables", "/api/list_environment_variables"
NO_ADMIN = (
    403,
    {
        "code": "BadDeployKey",
        "message": "The provided deploy key was invalid for this deployment. Double check that the environment this "
        "key was generated for matches the desired deployment.",
    },
)


@pytest.fixture
def admin(emulator: Emulator) -> AdminClient:
    return AdminClient(emulator)


def change(**variables: str | None) -> Any:
    return {"changes": [{"name": name, "value": value} for name, value in variables.items()]}


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
def test_variables_are_set_listed_and_taken_away(admin: AdminClient, prefix: str) -> None:
    update, listing = UPDATE.replace("/api", prefix), LIST.replace("/api", prefix)

    assert admin.post(update, change(B="2", A="1")) == (200, None)
    assert admin.get(listing) == (200, {"environmentVariables": {"A": "1", "B": "2"}})
    assert admin.post(update, {"changes": [{"name": "A"}, {"name": "C", "value": None}]}) == (200, None)
    assert admin.emulator.env == {"B": "2"}


@pytest.mark.parametrize(("path", "method"), [(UPDATE, "POST"), (LIST, "GET")])
def test_only_administrators_may(admin: AdminClient, path: str, method: str) -> None:
    body = json.dumps(change(A="1")).encode()

    assert answer(admin.request(method, path, body=body, key=None)) == NO_ADMIN
    status, told = answer(admin.request(method, path, body=body, key="wrong|key"))
    assert (status, told["code"]) == (401, "BadAdminKey")
    assert admin.emulator.env == {}


def test_an_administrator_who_acts_as_a_user_may(admin: AdminClient) -> None:
    user = "eyJpc3N1ZXIiOiJpIiwic3ViamVjdCI6InMifQ=="  # {"issuer":"i","subject":"s"}

    assert admin.post(UPDATE, change(A="1"), key=f"{ADMIN_KEY}:{user}") == (200, None)


# The deployment's words; a batch with one bad change changes nothing.
def test_refusals_have_the_deployments_words(admin: AdminClient) -> None:
    assert admin.post(UPDATE, change(A="1", CONVEX_SITE_URL="2")) == (
        400,
        {
            "code": "EnvVarNameForbidden",
            "message": 'Environment variable with name "CONVEX_SITE_URL" is built-in and cannot be overridden',
        },
    )
    assert admin.emulator.env == {}


# Names are looked at in the order they were sent in.
def test_the_first_bad_change_is_named(admin: AdminClient) -> None:
    status, told = admin.post(UPDATE, {"changes": [{"name": "A", "value": "x" * 8193}, {"name": "1", "value": None}]})

    assert (status, told["code"]) == (400, "EnvironmentVariableValueTooLarge")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", "missing field `changes` at line 1 column 2"),
        (b'{"changes":{}}', "changes: invalid type: map, expected a sequence at line 1 column 11"),
        (b'{"changes":[{"value":"1"}]}', "changes[0]: missing field `name` at line 1 column 25"),
        (
            b'{"changes":[{"name":"A","value":1}]}',
            "changes[0].value: invalid type: integer `1`, expected a string at line 1 column 33",
        ),
    ],
)
def test_bodies_of_another_form_are_refused(admin: AdminClient, body: bytes, text: str) -> None:
    message = f"Failed to deserialize the JSON body into the target type: {text}"

    assert answer(admin.request("POST", UPDATE, body=body)) == (400, {"code": "BadJsonBody", "message": message})


# A body is read before it is asked whether its sender is an administrator.
def test_a_bad_body_is_refused_before_its_sender(admin: AdminClient) -> None:
    status, told = answer(admin.request("POST", UPDATE, body=b"no json", key=None))

    assert (status, told["code"]) == (400, "BadJsonBody")


def test_a_body_of_another_type_is_refused(admin: AdminClient) -> None:
    response = admin.request("POST", UPDATE, body=b"{}", content_type="text/plain")

    assert answer(response)[1]["message"] == "Expected request with `Content-Type: application/json`"


# What `npx convex env list` and `env get` read.
def test_queries_show_variables_as_documents(admin: AdminClient) -> None:
    admin.emulator.env.update(B="2", A="1")

    listed = admin.query("_system/cli/queryEnvironmentVariables")

    assert [(row["name"], row["value"]) for row in listed] == [("A", "1"), ("B", "2")]
    assert all(set(row) == {"_id", "_creationTime", "name", "value"} for row in listed)
    assert admin.query("_system/cli/queryEnvironmentVariables:get", {"name": "A"}) == {"name": "A", "value": "1"}
    assert admin.query("_system/cli/queryEnvironmentVariables:get", {"name": "C"}) is None


# A deployment deletes and inserts the document, whatever the value was.
def test_a_variable_that_is_set_again_is_a_new_document(admin: AdminClient) -> None:
    admin.emulator.env["A"] = "1"
    [first] = admin.query("_system/cli/queryEnvironmentVariables")

    admin.emulator.env["A"] = "1"

    [second] = admin.query("_system/cli/queryEnvironmentVariables")
    assert first["_id"] != second["_id"]
    assert first["_creationTime"] < second["_creationTime"]


@pytest.mark.parametrize(
    "path", ["_system/cli/queryEnvironmentVariables:default", "_system/cli/queryEnvironmentVariables:get"]
)
def test_live_queries_follow_changes(admin: AdminClient, path: str) -> None:
    client = admin.live()
    args = {"name": "A"} if path.endswith(":get") else {}
    [before] = client.modify(add(0, path, args))
    assert before["value"] in ([], None)

    admin.post(UPDATE, change(A="1"))

    [after] = client.transition()["modifications"]
    assert "1" in json.dumps(after["value"])


# crates/application/src/lib.rs ``update_environment_variables``: the auth config of the last deploy must stay good.
def test_a_change_that_would_make_the_auth_config_invalid_is_refused(admin: AdminClient) -> None:
    admin.emulator.env["ISSUER"] = "https://a.com"
    source = 'export default { providers: [{ domain: process.env.ISSUER, applicationID: "app" }] };'
    config = PushedModule("auth.config.js", source, None, "isolate")
    admin.emulator.pushes.finish(admin.emulator.pushes.start(PushedApp(schema=None, changed=[config])).id)

    assert admin.post(UPDATE, change(ISSUER="tokens")) == (
        400,
        {
            "code": "InvalidAuthConfig",
            "message": 'This change would make the auth config invalid: Invalid provider domain URL "tokens": Does not '
            "look like a URL (must have a scheme or end with a top-level domain)",
        },
    )
    status, told = admin.post(UPDATE, change(ISSUER=None))
    assert (status, told["code"]) == (400, "AuthConfigMissingEnvironmentVariable")
    assert admin.emulator.env == {"ISSUER": "https://a.com"}

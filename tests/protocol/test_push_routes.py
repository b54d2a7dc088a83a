"""`npx convex deploy`'s requests, without its command line: each step, what it changes, and who is refused how.

Rules: convex-backend crates/application/src/deploy_config.rs, crates/local_backend/src/deploy_config2.rs
(convex-wire.md §4).
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import brotli
import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.protocol.http_exchange import HttpRequest
from tests.protocol.admin_client import AdminClient, answer
from tests.protocol.sync_client import ADMIN_KEY
from tests.signed_tokens import RSA_KEY, signed

Json = dict[str, Any]

# What npm convex makes of functions, as far as a deployment looks at it.
QUERY = """
const f = (run) => Object.assign(() => {}, {
  isQuery: true, isPublic: true, exportArgs: () => '{"type":"any"}', exportReturns: () => "null",
  invokeQuery: async (args) => JSON.stringify(await run(...JSON.parse(args))),
});
"""
ONE = QUERY + "export const one = f(async () => 1);"


def module(path: str, source: str, environment: str = "isolate") -> Json:
    return {"path": path, "source": source, "environment": environment}


def schema_module(validator: str, index: str = "by_text") -> Json:
    table = {
        "tableName": "notes",
        "indexes": [{"indexDescriptor": index, "fields": ["text"]}],
        "documentType": {
            "type": "object",
            "value": {"text": {"fieldType": {"type": validator}, "optional": False}},
        },
    }
    text = json.dumps(json.dumps({"tables": [table], "schemaValidation": True}))
    return module("schema.js", f"export default {{ export: () => {text} }};")


@pytest.fixture
def admin() -> Iterator[AdminClient]:
    with Emulator(seed=1) as emulator:
        yield AdminClient(emulator)


def push(*modules: Json, schema: Json | None = None, unchanged: tuple[Json, ...] = (), **more: Any) -> Json:
    app = {
        "definition": None,
        "dependencies": [],
        "schema": schema,
        "changedModules": list(modules),
        "unchangedModuleHashes": list(unchanged),
        "udfServerVersion": "1.48.0",
    }
    return {
        "adminKey": ADMIN_KEY,
        "dryRun": False,
        "functions": "convex/",
        "appDefinition": app,
        "componentDefinitions": [],
        "nodeDependencies": [],
        **more,
    }


def start(admin: AdminClient, *modules: Json, **more: Any) -> Json:
    status, begun = admin.post("/api/deploy2/start_push", push(*modules, **more), key=None)
    assert status == 200, begun
    return dict(begun)


def wait(admin: AdminClient, begun: Json) -> Json:
    body = {"adminKey": ADMIN_KEY, "schemaChange": begun["schemaChange"], "timeoutMs": 10_000, "dryRun": False}
    status, told = admin.post("/api/deploy2/wait_for_schema", body, key=None)
    assert status == 200, told
    return dict(told)


def finish(admin: AdminClient, begun: Json, **more: Any) -> tuple[int, Any]:
    body = {"adminKey": ADMIN_KEY, "startPush": begun, "dryRun": False, "message": None, **more}
    return admin.post("/api/deploy2/finish_push", body, key=None)


def deploy(admin: AdminClient, *modules: Json, **more: Any) -> Json:
    begun = start(admin, *modules, **more)
    assert wait(admin, begun) == {"type": "complete"}
    status, finished = finish(admin, begun)
    assert status == 200, finished
    return dict(finished)


# Nothing is seen until a push is finished; then all of it is.
def test_a_push_takes_effect_when_it_is_finished(admin: AdminClient) -> None:
    begun = start(admin, module("notes.js", ONE), schema=schema_module("string"))
    assert "notes:one" not in admin.emulator.function_paths()
    assert wait(admin, begun) == {"type": "complete"}
    assert "notes" not in admin.emulator.schema.tables

    status, _ = finish(admin, begun)

    assert status == 200
    assert admin.emulator.query("notes:one") == 1.0
    assert list(admin.emulator.schema.tables) == ["notes"]


def test_what_was_found_is_told(admin: AdminClient) -> None:
    begun = start(admin, module("notes.js", ONE), schema=schema_module("string"))

    analysis = begun["analysis"][""]
    assert analysis["functions"]["notes.js"]["functions"] == [
        {
            "name": "one",
            "pos": None,
            "udfType": "Query",
            "visibility": {"kind": "public"},
            "args": '{"type":"any"}',
            "returns": "null",
        }
    ]
    assert [table["tableName"] for table in analysis["schema"]["tables"]] == ["notes"]
    assert begun["schemaChange"]["indexDiffs"][""]["added_indexes"] == [
        {"name": "notes.by_text", "type": "database", "fields": ["text"], "staged": False}
    ]


def test_a_second_push_tells_what_it_changes(admin: AdminClient) -> None:
    deploy(admin, module("a.js", ONE), module("b.js", ONE), schema=schema_module("string"))

    other = module("b.js", QUERY + "export const two = f(async () => 2);")
    finished = deploy(admin, other, module("c.js", ONE), schema=schema_module("string", "by_other"))

    root = finished["componentDiffs"][""]
    assert root["moduleDiff"] == {"added": ["b.js", "c.js"], "removed": ["a.js"]}
    assert [index["name"] for index in root["indexDiff"]["added_indexes"]] == ["notes.by_other"]
    assert [index["name"] for index in root["indexDiff"]["removed_indexes"]] == ["notes.by_text"]
    assert admin.emulator.function_paths() == ["b:two", "c:one"]


# By the hashes of `get_config_hashes` the command line leaves out what has not changed.
def test_unchanged_modules_are_not_sent_again(admin: AdminClient) -> None:
    deploy(admin, module("a.js", ONE), module("_deps/X.js", "export const x = 1;"))
    status, told = admin.post("/api/get_config_hashes", {"version": "1.48.0", "adminKey": ADMIN_KEY}, key=None)
    assert status == 200
    assert told["moduleHashes"] == [
        {"path": "a.js", "hash": sha256(ONE.encode()).hexdigest(), "environment": "isolate"},
        {"path": "_deps/X.js", "hash": sha256(b"export const x = 1;").hexdigest(), "environment": "isolate"},
    ]
    assert told["udfServerVersion"] == "1.48.0"

    unchanged = {"path": "a.js", "environment": "isolate", "sha256": sha256(ONE.encode()).hexdigest()}
    deploy(admin, module("b.js", ONE), unchanged=(unchanged,))

    assert admin.emulator.function_paths() == ["a:one", "b:one"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"path": "z.js"}, "MissingExistingModule"),
        ({"sha256": "0" * 64}, "ExistingModuleHashConflict"),
        ({"environment": "node"}, "ExistingModuleEnvConflict"),
    ],
)
def test_a_module_that_is_not_as_it_was_is_a_conflict(admin: AdminClient, change: Json, code: str) -> None:
    deploy(admin, module("a.js", ONE))
    unchanged = {"path": "a.js", "environment": "isolate", "sha256": sha256(ONE.encode()).hexdigest(), **change}

    status, told = admin.post("/api/deploy2/start_push", push(unchanged=(unchanged,)))

    assert (status, told["code"]) == (409, code)
    assert told["message"].startswith("Hit an error while pushing:\n")


# Schemas


def test_a_document_that_does_not_fit_is_named(admin: AdminClient) -> None:
    note = admin.emulator.run(lambda ctx: ctx.db.insert("notes", {"text": 5.0}))
    begun = start(admin, module("a.js", ONE), schema=schema_module("string"))

    assert wait(admin, begun) == {
        "type": "failed",
        "error": f'Document with ID "{note}" in table "notes" does not match the schema: Value does not match '
        "validator.\nPath: .text\nValue: 5.0\nValidator: v.string()",
        "componentPath": "",
        "tableName": "notes",
    }


# Between the last look at the documents and the end somebody may write.
def test_a_document_that_came_meanwhile_refuses_the_end(admin: AdminClient) -> None:
    begun = start(admin, module("a.js", ONE), schema=schema_module("string"))
    assert wait(admin, begun) == {"type": "complete"}
    admin.emulator.run(lambda ctx: ctx.db.insert("notes", {"text": 5.0}))

    status, told = finish(admin, begun)

    assert (status, told["code"]) == (400, "SchemaAlreadyFailed")
    assert "Schema has already been failed with error: Document with ID" in told["message"]
    assert "a:one" not in admin.emulator.function_paths()


def test_a_later_push_overwrites_the_schema_of_an_earlier_one(admin: AdminClient) -> None:
    first = start(admin, schema=schema_module("string"))
    second = start(admin, schema=schema_module("any"))

    assert wait(admin, first) == {"type": "raceDetected"}
    assert finish(admin, first)[1]["code"] == "SchemaAlreadyOverwritten"
    assert wait(admin, second) == {"type": "complete"}


def test_the_schema_in_effect_is_complete(admin: AdminClient) -> None:
    deploy(admin, schema=schema_module("string"))

    begun = start(admin, module("a.js", ONE), schema=schema_module("string"))

    assert wait(admin, begun) == {"type": "complete"}
    assert begun["schemaChange"]["indexDiffs"][""]["added_indexes"] == []


def test_without_a_schema_there_is_nothing_to_wait_for(admin: AdminClient) -> None:
    begun = start(admin, module("a.js", ONE))

    assert begun["schemaChange"]["schemaIds"] == {"": None}
    assert wait(admin, begun) == {"type": "complete"}


# Steps that change nothing


@pytest.mark.parametrize("step", ["evaluate_push", "evaluate_schema"])
def test_evaluating_changes_nothing(admin: AdminClient, step: str) -> None:
    before = admin.emulator.function_paths()

    status, _ = admin.post(f"/api/deploy2/{step}", push(module("a.js", ONE), schema=schema_module("string")))

    assert status == 200
    assert admin.emulator.function_paths() == before


def test_an_evaluation_tells_of_documents_and_indexes(admin: AdminClient) -> None:
    deploy(admin, schema=schema_module("string"))
    admin.emulator.run(lambda ctx: ctx.db.insert("notes", {"text": "a"}))

    body = push(schema=schema_module("any", "by_other"))
    _, told = admin.post("/api/deploy2/evaluate_schema", body)

    root = told["componentSchemaEvaluations"][""]
    [table] = root["tables"]
    assert (table["name"], table["outcome"], table["numDocs"]) == ("notes", "mustWalk", 1)
    assert table["sizeBytes"] > 0
    assert {(each["name"], each["change"], each["needsBackfill"], each["numDocs"]) for each in root["indexes"]} == {
        ("notes.by_other", "added", True, 1),
        ("notes.by_text", "dropped", False, 1),
    }


def test_a_dry_run_ends_without_effect(admin: AdminClient) -> None:
    begun = start(admin, module("a.js", ONE))

    status, told = finish(admin, begun, dryRun=True)

    assert (status, told) == (
        200,
        {"authDiff": {"added": [], "removed": []}, "definitionDiffs": {}, "componentDiffs": {}},
    )
    assert "a:one" not in admin.emulator.function_paths()


# Refusals


def test_a_module_that_throws_is_told_with_its_name(admin: AdminClient) -> None:
    status, told = admin.post("/api/deploy2/start_push", push(module("bad.js", 'throw new Error("no");')))

    assert (status, told["code"]) == (400, "InvalidModules")
    assert told["message"].startswith(
        "Hit an error while pushing:\nLoading the pushed modules encountered the following\n    error:\n"
        "Failed to analyze bad.js: Uncaught Error: no"
    )


def test_a_schema_that_throws_says_so(admin: AdminClient) -> None:
    status, told = admin.post("/api/deploy2/start_push", push(schema=module("schema.js", 'throw new Error("no");')))

    assert (status, told["code"]) == (400, "InvalidSchema")
    assert "Hit an error while evaluating your schema:\nUncaught Error: no" in told["message"]


def test_environment_variables_may_not_change_meanwhile(admin: AdminClient) -> None:
    begun = start(admin, module("a.js", ONE))
    admin.emulator.env["A"] = "1"

    assert finish(admin, begun) == (
        400,
        {
            "code": "RaceDetected",
            "message": "Hit an error while pushing:\nEnvironment variables have changed during push",
        },
    )


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../out.js", "Invalid path component ParentDir in ../out.js."),
        ("/etc/x.js", "Module paths must be relative (/etc/x.js is absolute)."),
        ("a/../../b.js", "Invalid path component ParentDir in a/../../b.js."),
        ("a-b.js", "Path component a-b.js can only contain alphanumeric characters, underscores, or periods."),
    ],
)
def test_modules_stay_in_their_folder(admin: AdminClient, path: str, reason: str) -> None:
    status, told = admin.post("/api/deploy2/start_push", push(module(path, ONE)))

    assert (status, told["code"]) == (400, "InvalidConfig")
    assert told["message"] == f"{path} is not a valid path to a Convex module. {reason}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodeVersion": "19"}, "Invalid node version: 19"),
        ({"nodeVersion": "18"}, "Node 18 is no longer supported."),
    ],
)
def test_node_versions_are_checked(admin: AdminClient, change: Json, message: str) -> None:
    status, told = admin.post("/api/deploy2/start_push", push(**change))

    assert (status, told["code"]) == (400, "InvalidConfig")
    assert told["message"].startswith(message)


def test_components_are_refused_by_name(admin: AdminClient) -> None:
    body = push()
    body["appDefinition"]["dependencies"] = ["../node_modules/@convex-dev/rate-limiter"]

    status, told = admin.post("/api/deploy2/start_push", body)

    assert (status, told["code"]) == (400, "NotEmulated")
    assert "@convex-dev/rate-limiter" in told["message"]


@pytest.mark.parametrize("size", [1024, 1025])
def test_a_message_has_at_most_1024_bytes(admin: AdminClient, size: int) -> None:
    status, told = finish(admin, start(admin), message="x" * size)

    assert status == (200 if size == 1024 else 400)
    if status == 400:
        assert told == {"code": "PushMessageTooLong", "message": "Push messages can be at most 1024 bytes long"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/get_config_hashes",
        *(
            f"/api/deploy2/{step}"
            for step in ("start_push", "evaluate_push", "evaluate_schema", "wait_for_schema", "finish_push")
        ),
        "/api/deploy2/report_push_completed",
    ],
)
def test_the_key_is_that_of_the_body(admin: AdminClient, path: str) -> None:
    status, told = admin.post(path, {"adminKey": "wrong|key"}, key=ADMIN_KEY)

    assert (status, told["code"]) == (403, "BadDeployKey")
    assert told["message"].startswith("The provided deploy key was invalid for deployment '")
    assert admin.post(path, {})[1]["message"].endswith("missing field `adminKey` at line 1 column 2")


def test_bodies_may_come_in_brotli(admin: AdminClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "br"}
    body = brotli.compress(json.dumps(push(module("a.js", ONE))).encode())

    request = HttpRequest(method="POST", path="/api/deploy2/start_push", headers=headers, body=body)

    assert answer(admin.api.http.handle(request)[0])[0] == 200


def test_canonical_urls_are_for_administrators(admin: AdminClient) -> None:
    assert admin.get("/api/v1/get_canonical_urls") == (
        200,
        {"convexCloudUrl": "http://127.0.0.1:3210", "convexSiteUrl": "http://127.0.0.1:3211"},
    )
    assert admin.get("/api/v1/get_canonical_urls", key=None)[0] == 403


# `rollback` takes back what was pushed, too.
def test_rollback_takes_a_push_back(admin: AdminClient) -> None:
    deploy(admin, module("a.js", ONE))

    with admin.emulator.rollback():
        deploy(admin, module("b.js", ONE))

    assert admin.emulator.query("a:one") == 1.0
    with pytest.raises(FunctionError, match="Could not find public function"):
        admin.emulator.query("b:one")
    assert [each.path for each in admin.emulator.pushes.modules()] == ["a.js"]


# A deployment installs them from npm; here they are looked for where the emulator was started.
def test_external_packages_that_are_not_there_are_refused(admin: AdminClient) -> None:
    body = push(module("a.js", ONE), nodeDependencies=[{"name": "no-such-package", "version": "1.0.0"}])

    status, told = admin.post("/api/deploy2/start_push", body, key=None)

    assert (status, told["code"]) == (400, "NotEmulated")
    assert "not all of no-such-package 1.0.0 are there" in told["message"]


@pytest.mark.parametrize(
    ("package", "problem"),
    [
        (1, "invalid type: integer `1`, expected struct NodeDependencyJson"),
        ({"name": "a"}, "missing field `version`"),
        ({"version": "1.0.0"}, "missing field `name`"),
    ],
)
def test_external_packages_of_another_form_are_refused(admin: AdminClient, package: Json, problem: str) -> None:
    status, told = admin.post("/api/deploy2/start_push", push(nodeDependencies=[package]), key=None)

    assert (status, told["code"]) == (400, "BadJsonBody")
    assert problem in told["message"]


# auth.config.js

OIDC = {"applicationID": "app", "domain": "https://a.com"}
CUSTOM = {"type": "customJwt", "applicationID": None, "issuer": "https://b.com", "jwks": "data:,", "algorithm": "RS256"}


def auth_config(*providers: Json) -> Json:
    return module("auth.config.js", f"export default {json.dumps({'providers': providers})};")


def test_providers_are_told_and_so_is_what_changes(admin: AdminClient) -> None:
    begun = start(admin, auth_config(OIDC, CUSTOM))
    assert begun["appAuth"] == [OIDC, CUSTOM]
    assert begun["analysis"][""]["functions"]["auth.config.js"] == {
        "functions": [],
        "httpRoutes": None,
        "cronSpecs": None,
        "sourceMapped": None,
    }
    _, first = finish(admin, begun)
    second = deploy(admin, auth_config(CUSTOM))
    third = deploy(admin, module("a.js", ONE))

    oidc = '{"applicationID":"app","domain":"https://a.com"}'
    custom = (
        r'{"algorithm":"\"RS256\"","applicationID":null,"issuer":"https://b.com","jwks":"data:,","type":"customJwt"}'
    )
    assert first["authDiff"] == {"added": [oidc, custom], "removed": []}
    assert second["authDiff"] == {"added": [], "removed": [oidc]}
    assert third["authDiff"] == {"added": [], "removed": [custom]}


# As every module it is sent once, and held by its hash from then on.
def test_an_auth_config_that_has_not_changed_stays(admin: AdminClient) -> None:
    sent = auth_config(OIDC)
    deploy(admin, sent)
    _, told = admin.post("/api/get_config_hashes", {"adminKey": ADMIN_KEY, "version": "1.48.0"}, key=None)
    assert [each["path"] for each in told["moduleHashes"]] == ["auth.config.js"]
    unchanged = {
        "path": "auth.config.js",
        "environment": "isolate",
        "sha256": sha256(sent["source"].encode()).hexdigest(),
    }

    finished = deploy(admin, module("a.js", ONE), unchanged=(unchanged,))

    assert finished["authDiff"] == {"added": [], "removed": []}


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        (
            "export default process.env.ISSUER;",
            "AuthConfigMissingEnvironmentVariable",
            "Environment variable ISSUER is used in auth config file but its value was not set\n"
            "    at <anonymous> (../modules/auth.config.js:1:28)",
        ),
        (
            "export default { providers: [5] };",
            "InvalidAuthConfig",
            "The pushed auth config is invalid: auth config file must include a list of provider credentials: data did "
            "not match any variant of untagged enum SerializedAuthInfo ",
        ),
    ],
)
@pytest.mark.parametrize("route", ["start_push", "evaluate_push", "evaluate_schema"])
def test_an_auth_config_that_is_none_ends_the_push(
    admin: AdminClient, route: str, source: str, code: str, message: str
) -> None:
    refused = admin.post(f"/api/deploy2/{route}", push(module("auth.config.js", source)), key=None)

    assert refused == (400, {"code": code, "message": f"Hit an error while pushing:\n{message}"})


def test_a_token_of_a_provider_nobody_can_reach_is_refused(admin: AdminClient) -> None:
    deploy(admin, auth_config(OIDC))
    token = signed(RSA_KEY, "RS256", "rsa", iss="https://a.com", aud="app", sub="ada")
    request = HttpRequest(
        method="POST",
        path="/api/query",
        query="",
        headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
        body=json.dumps({"path": "a:b", "args": {}}).encode(),
    )

    status, told = answer(admin.api.http.handle(request)[0])

    assert (status, told["code"]) == (400, "AuthProviderDiscoveryFailed")


def test_the_version_of_node_is_told_to_the_next_push(admin: AdminClient) -> None:
    versions = []
    for node_version in ("22", None):
        deploy(admin, module("notes.js", ONE), nodeVersion=node_version)
        _, told = admin.post("/api/get_config_hashes", {"adminKey": ADMIN_KEY, "version": "1.48.0"}, key=None)
        versions.append(told["nodeVersion"])

    assert versions == ["22", None]

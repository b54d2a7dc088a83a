"""The description of the HTTP API: of every route, sound as OpenAPI, and true."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta, validator_for

from convex_mastra_emulator import Emulator, query
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.data_routes import NOT_EMULATED
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.openapi import ROUTES, openapi_document
from convex_mastra_emulator.protocol.openapi_data import DATA_ROUTES
from convex_mastra_emulator.protocol.route_description import RouteDescription

KEY = "described|key"
DOCUMENT = openapi_document("v7")
ADMIN = {"authorization": f"Convex {KEY}"}


@pytest.fixture
def api(emulator: Emulator) -> HttpApi:
    emulator.define("notes:list", query(lambda ctx, args: [1, "a", None]))
    return DeploymentApi(emulator, admin_key=KEY, instance_name="described", version="v7").http


def send(api: HttpApi, route: RouteDescription, *, body: bytes = b"{}", **headers: str) -> HttpResponse:
    path = route.path.replace("{module}", "notes").replace("{function}", "list")
    sent = {"content-type": "application/json", **headers}
    return api.handle(HttpRequest(method=route.method, path=path, headers=sent, body=body))[0]


def schema_of(route: RouteDescription, status: int) -> Any:
    """The schema of an answer, with everything it refers to."""
    answer = DOCUMENT["paths"][route.path][route.method.lower()]["responses"][str(status)]
    [content] = answer["content"].values()
    return {**content["schema"], "components": DOCUMENT["components"]}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def schemas(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from ([value["schema"]] if "schema" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from schemas(item)


def name_of(route: RouteDescription) -> str:
    return f"{route.method} {route.path}"


each_route = pytest.mark.parametrize("route", ROUTES, ids=name_of)


# Whoever adds a route adds an entry to `ROUTES` in protocol/openapi.py.
def test_every_route_is_described_and_every_description_has_its_route(api: HttpApi) -> None:
    assert {(route.method, route.path) for route in ROUTES} == api.described_routes() - NOT_EMULATED
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_it_is_served_to_everybody(api: HttpApi) -> None:
    response, _ = api.handle(HttpRequest(method="GET", path="/_emulator/openapi.json", headers={"authorization": "x"}))

    assert response.status == 200
    assert json.loads(response.body) == json.loads(json.dumps(DOCUMENT))
    assert ("content-type", "application/json") in response.headers


def test_it_names_what_it_describes() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["title"] == "convex-mastra-emulator"
    assert DOCUMENT["info"]["version"] == "v7"


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))

    assert found
    for target in found:
        place = DOCUMENT
        for name in target.removeprefix("#/").split("/"):
            place = place[name]


def test_every_schema_is_one() -> None:
    found = [*schemas(DOCUMENT), *DOCUMENT["components"]["schemas"].values()]

    assert len(found) > 40
    for schema in found:
        meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@each_route
def test_every_parameter_of_the_path_is_described(route: RouteDescription) -> None:
    parameters = DOCUMENT["paths"][route.path][route.method.lower()]["parameters"]

    described = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    assert described == {part[1:-1] for part in route.path.split("/") if part.startswith("{")}


# The description and what is done are two things: whether a key is asked for is seen by asking without one.
@each_route
def test_who_may_call_is_true(api: HttpApi, route: RouteDescription) -> None:
    anonymous = send(api, route, body=b'{"path":"notes:list","args":{},"queries":[],"ts":"AAAAAAAAAAA="}')
    unreadable = send(api, route, authorization="x")

    # Routes for data read the request before they look whether the caller is an administrator.
    refusals = (400, 401, 403) if route in DATA_ROUTES else (401, 403)
    assert (anonymous.status in refusals) == (route.access == "admin" or route in DATA_ROUTES)
    if route in DATA_ROUTES:
        other = send(api, route, authorization="Convex other|key")
        assert (b"BadAdminKey" in other.body) == (route.access != "open")
    assert (b"InvalidHeaderFailure" in unreadable.body) == (route.access != "open")


@each_route
def test_an_answer_is_as_described(api: HttpApi, route: RouteDescription) -> None:
    api.handle(HttpRequest(method="POST", path="/_emulator/mark", headers=ADMIN))
    body = b'{"path":"notes:list","args":{},"queries":[{"path":"notes:list","args":{}}],"ts":"/////////38="}'

    response = send(api, route, body=body, **ADMIN)

    assert str(response.status) in DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
    if response.status == route.status and route.answer is None:
        assert response.body == b""
        return
    kind = dict(response.headers)["content-type"].partition(";")[0]
    assert kind == (route.answer_type if response.status == route.status else "application/json")
    if kind == "application/json":
        Draft202012Validator(schema_of(route, response.status)).validate(json.loads(response.body))


@pytest.mark.parametrize("answer", [{}, {"status": "success"}, {"status": "error"}, {"status": "other", "value": 1}])
def test_what_is_no_result_is_none(answer: Any) -> None:
    result = {"$ref": "#/components/schemas/FunctionResult", "components": DOCUMENT["components"]}

    assert not validator_for(result).is_valid(answer)

"""``http.ts``: its router is asked for every request, and HTTP actions answer as on a deployment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.runtime.http_messages import HttpActionResponse

Write = Callable[..., Path]

ROUTER = """
import { httpRouter } from "convex/server";
const http = httpRouter();
http.route({ path: "/echo", method: "POST", handler: httpAction(async (_, request) => new Response(
  request.body, { status: 201, headers: [["x-content", request.headers.get("content-type") ?? ""]] })) });
http.route({ path: "/none", method: "GET", handler: httpAction(async () => ({ status: 200 }) as any) });
http.route({ path: "/throws", method: "GET", handler: httpAction(async () => { throw new Error("broken"); }) });
http.route({ path: "/bytes", method: "GET", handler: httpAction(async () => new Response(new Uint8Array([0, 255]))) });
http.route({ path: "/stream", method: "GET", handler: httpAction(async () => new Response(new ReadableStream({
  async pull(c) {
    c.enqueue(new TextEncoder().encode("part "));
    await new Promise((r) => setTimeout(r, 1));
    c.close();
  },
}))) });
http.route({ path: "/form", method: "POST", handler: httpAction(async (_, request) => {
  const form = await request.formData();
  return Response.json([form.get("a"), await (form.get("file") as any).text()]);
}) });
http.route({ path: "/calls", method: "GET", handler: httpAction(async (ctx, request) => {
  const id = await ctx.runMutation(call("notes:add"), { text: new URL(request.url).searchParams.get("text") });
  return new Response(await ctx.runQuery(call("notes:text"), { id }));
}) });
"""
NOTES = """
export const add = mutation(async (ctx, args: any) => await ctx.db.insert("notes", args));
export const text = query(async (ctx, { id }: any) => (await ctx.db.get(id))!.text);
"""


@pytest.fixture
def deployed(convex: Emulator, write: Write) -> Emulator:
    convex.deploy(write(http=ROUTER + "export default http;", notes=NOTES))
    return convex


def deploy_patched(convex: Emulator, write: Write, patch: str) -> None:
    convex.deploy(write(http=f"{ROUTER}{patch}\nexport default http;", notes=NOTES))


def test_requests_and_responses_have_bodies_and_headers(deployed: Emulator) -> None:
    response = deployed.http_request("POST", "/echo", body="grüße", headers={"content-type": "text/x"})

    assert (response.status, response.body.decode(), response.headers["x-content"]) == (201, "grüße", "text/x")


@pytest.mark.parametrize(("path", "body"), [("/bytes", b"\x00\xff"), ("/stream", b"part "), ("/calls?text=hi", b"hi")])
def test_bodies_may_be_anything(deployed: Emulator, path: str, body: bytes) -> None:
    assert deployed.http_request("GET", path).body == body


def test_forms_are_read(deployed: Emulator) -> None:
    form = (
        '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\ninside\r\n--b--\r\n'
    )

    response = deployed.http_request(
        "POST", "/form", body=form, headers={"content-type": "multipart/form-data; boundary=b"}
    )

    assert json.loads(response.body) == ["1", "inside"]


# A HEAD request runs what a GET request would.
@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 404)])
def test_what_has_no_route_is_not_found(deployed: Emulator, method: str, status: int) -> None:
    assert deployed.http_request(method, "/bytes").status == status


def failure(response: HttpActionResponse) -> str:
    assert response.status == 500
    return str(json.loads(response.body))


@pytest.mark.parametrize(
    ("path", "text"), [("/throws", "Uncaught Error: broken"), ("/none", "HTTP actions must return a Response")]
)
def test_actions_that_fail_are_told(deployed: Emulator, path: str, text: str) -> None:
    assert text in failure(deployed.http_request("GET", path))
    assert deployed.http_request("GET", "/stream").status == 200


# Routers of other packages find routes by patterns, and tell the deployment of them in words of their own.
def test_the_router_itself_finds_the_route(convex: Emulator, write: Write) -> None:
    patch = """
const lookup = http.lookup;
http.getRoutes = () => [["/users/:id", "GET", (() => 1) as any], ["/users/:id", "GET", (() => 1) as any]];
http.lookup = (path, method) => path.startsWith("/users/") ? [httpAction(async (_, request) =>
  new Response(`user ${new URL(request.url).pathname.slice(7)}`)), "GET", "/users/:id"] : lookup(path, method);
"""
    deploy_patched(convex, write, patch)

    assert convex.http_request("GET", "/users/5").body == b"user 5"
    assert convex.http_request("GET", "/bytes").body == b"\x00\xff"
    assert convex.http_request("GET", "/users").status == 404


def test_a_router_may_run_requests_its_own_way(convex: Emulator, write: Write) -> None:
    patch = """
const runRequest = http.runRequest;
http.runRequest = async (args, path) => await runRequest(args, path === "/bytes" ? "/stream" : path);
"""
    deploy_patched(convex, write, patch)

    assert convex.http_request("GET", "/bytes").body == b"part "


def test_a_router_that_throws_fails_the_request(convex: Emulator, write: Write) -> None:
    deploy_patched(convex, write, 'http.lookup = () => { throw new Error("lost"); };')

    assert "Uncaught Error: lost" in failure(convex.http_request("GET", "/bytes"))

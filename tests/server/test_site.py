"""The second address of a served emulator: every path of it is one of HTTP actions."""

import json
import socket
import urllib.error
import urllib.request
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, HttpActionResponse, HttpRouter, action, http_action, mutation, query
from convex_mastra_emulator.errors import NotEmulated
from convex_mastra_emulator.server.process import ServedProcess
from convex_mastra_emulator.server.thread import PortTaken, listen, listen_at

DEADLINE_SECONDS = 20
SOURCE = "tests.server.site_functions"


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, Any]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read(), refused.headers


def echo(ctx: Any, request: Any) -> HttpActionResponse:
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    body = {"url": request.url, "size": len(request.body), "site": ctx.env["CONVEX_SITE_URL"]}
    return HttpActionResponse.json(body, headers=cookies)


@pytest.fixture
def routed(emulator: Emulator) -> Emulator:
    router = HttpRouter()
    for method in ("GET", "POST"):
        router.route(path_prefix="/", method=method, handler=http_action(echo))
    emulator.define_http(router)
    emulator.define("files:url", mutation(lambda ctx, args: ctx.storage.generate_upload_url()))
    emulator.define("files:of", query(lambda ctx, args: ctx.storage.get_url(args["id"])))
    return emulator


def test_both_addresses_answer(routed: Emulator) -> None:
    with routed.serve() as served:
        status, body, headers = fetch(f"{served.site_url}/api/query?a=1")
        assert (status, json.loads(body)["url"]) == (200, f"{served.site_url}/api/query?a=1")
        assert headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert json.loads(fetch(f"{served.url}/http/x")[1])["url"] == f"{served.url}/x"
        # The first is no site: there a path is what it is.
        assert fetch(f"{served.url}/x")[0] == 404


# Functions give out the addresses under which they are reached at the time.
def test_urls_are_those_it_is_served_at(routed: Emulator) -> None:
    before = routed.origins.cloud_url
    with routed.serve() as served:
        assert routed.mutation("files:url").startswith(f"{served.url}/api/storage/upload?token=")
        assert json.loads(fetch(f"{served.site_url}/x")[1])["site"] == served.site_url

    assert routed.origins.cloud_url == before
    assert routed.mutation("files:url").startswith(before)


# The limit of JSON bodies is 16 MiB; a deployment takes uploads as long as their time lasts.
def test_files_larger_than_any_json_are_taken(routed: Emulator) -> None:
    body = bytes(range(256)) * (70 << 12)
    with routed.serve() as served:
        status, answer, _ = fetch(routed.mutation("files:url"), body, **{"Content-Type": "application/pdf"})
        storage_id = json.loads(answer)["storageId"]
        url = routed.query("files:of", {"id": storage_id})
        fetched = fetch(url)

    assert (status, len(body) > 16 << 20) == (200, True)
    assert url.startswith(f"{served.url}/api/storage/")
    assert fetched[1] == body
    assert fetched[2]["Content-Length"] == str(len(body))


def test_the_head_of_a_file_has_its_length_and_no_body(routed: Emulator) -> None:
    routed.define("files:store", action(lambda ctx, args: ctx.storage.get_url(ctx.storage.store(b"12345"))))
    with routed.serve() as served:
        url = routed.action("files:store")
        connection = HTTPConnection(served.url.removeprefix("http://"), timeout=DEADLINE_SECONDS)
        try:
            connection.request("HEAD", url.removeprefix(served.url))
            response = connection.getresponse()
            assert (response.status, response.headers["Content-Length"], response.read()) == (200, "5", b"")
        finally:
            connection.close()


@pytest.mark.parametrize(("size", "status"), [(20 << 20, 200), ((20 << 20) + 1, 413)])
def test_an_http_action_takes_twenty_mebibytes(routed: Emulator, size: int, status: int) -> None:
    with routed.serve() as served:
        answered = fetch(f"{served.site_url}/x", bytes(size))

    assert answered[0] == status


def test_a_socket_of_the_site_is_refused(routed: Emulator) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    with routed.serve() as served:
        connection = HTTPConnection(served.site_url.removeprefix("http://"), timeout=DEADLINE_SECONDS)
        try:
            connection.request("GET", "/api/sync", headers=headers)
            assert connection.getresponse().status == 404
        finally:
            connection.close()


# Ports


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def two_ports_in_a_row() -> tuple[int, int]:
    """Ports that were free a moment ago."""
    for _ in range(50):
        with listen("127.0.0.1", 0) as first:
            port = port_of(first)
            with suppress(OSError), listen("127.0.0.1", port + 1):
                return port, port + 1
    pytest.fail("no two ports in a row were free")


def test_the_site_is_the_port_behind() -> None:
    ports = two_ports_in_a_row()

    listeners = listen_at("127.0.0.1", ports[0], None)

    with listeners.api, listeners.site:
        assert (port_of(listeners.api), port_of(listeners.site)) == ports


# Whoever named one port got along with one until now.
def test_the_port_behind_is_not_insisted_on() -> None:
    port, taken = two_ports_in_a_row()

    with listen("127.0.0.1", taken):
        listeners = listen_at("127.0.0.1", port, None)
        with listeners.api, listeners.site:
            assert port_of(listeners.api) == port
            assert port_of(listeners.site) not in (port, taken)


@pytest.mark.parametrize("is_site", [False, True])
def test_a_named_port_that_is_taken_is_an_error_and_nothing_stays_open(is_site: bool) -> None:
    with listen("127.0.0.1", 0) as taken:
        ports = (0, port_of(taken)) if is_site else (port_of(taken), 0)

        with pytest.raises(PortTaken, match=f"127.0.0.1:{port_of(taken)}") as refused:
            listen_at("127.0.0.1", *ports)

    assert refused.value.is_site is is_site


# Processes


def test_routes_defined_here_cannot_go_to_a_child(emulator: Emulator) -> None:
    emulator.define_http(HttpRouter())

    with pytest.raises(NotEmulated, match="cannot go to a child process"):
        emulator.serve(process=True)


def test_a_child_answers_with_the_routes_and_runs_the_crons_it_is_told() -> None:
    with ServedProcess(functions=f"{SOURCE}:FUNCTIONS", http=f"{SOURCE}:ROUTER", crons=f"{SOURCE}:CRONS") as served:
        status, body, _ = fetch(f"{served.site_url}/ran")
        assert served.url != served.site_url

        # The cron runs at deploy, in a thread of its own.
        while json.loads(body) == 0:
            status, body, _ = fetch(f"{served.site_url}/ran")

    assert (status, json.loads(body)) == (200, 1)

"""`HttpRouter`: what it refuses, in npm's words, and what it finds.

convex-js src/server/router.ts (npm convex 1.48.0).
"""

from typing import Any

import pytest

from convex_mastra_emulator import HttpRouter, http_action
from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.runtime.http_router import HttpAction


def named(name: str) -> HttpAction:
    return http_action(lambda ctx, request: name)


def router_of(*routes: dict[str, str]) -> HttpRouter:
    router = HttpRouter()
    for route in routes:
        router.route(**route, handler=named(str(route)))
    return router


def found(router: HttpRouter, path: str, method: str = "GET") -> str | None:
    route = router.lookup(path, method)
    return None if route is None else str(route)


@pytest.mark.parametrize(
    ("route", "text"),
    [
        ({"path": "x", "method": "GET"}, "path 'x' does not start with a /"),
        ({"path": "", "method": "GET"}, "path '' does not start with a /"),
        ({"path_prefix": "x/", "method": "GET"}, "pathPrefix 'x/' does not start with a /"),
        ({"path_prefix": "/x", "method": "GET"}, "pathPrefix /x must end with a /"),
        ({"path": "/.files", "method": "GET"}, "path '/.files' is reserved"),
        ({"path": "/.files/a", "method": "GET"}, "path '/.files/a' is reserved"),
        ({"path_prefix": "/.files/", "method": "GET"}, "pathPrefix '/.files/' is reserved"),
        (
            {"path": "/x", "path_prefix": "/x/", "method": "GET"},
            "Invalid httpRouter route: cannot contain both 'path' and 'pathPrefix'",
        ),
        ({"method": "GET"}, "Invalid httpRouter route entry: must contain either field 'path' or 'pathPrefix'"),
        ({"path": "/x", "method": "HEAD"}, "'HEAD' is not an allowed HTTP method (like GET, POST, PUT etc.)"),
        ({"path": "/x", "method": "get"}, "'get' is not an allowed HTTP method (like GET, POST, PUT etc.)"),
    ],
)
def test_routes_that_are_none_are_refused(route: dict[str, str], text: str) -> None:
    with pytest.raises(SchemaDefinitionError) as refused:
        router_of(route)

    assert str(refused.value) == text


@pytest.mark.parametrize(
    ("route", "text"),
    [
        ({"path": "/x", "method": "GET"}, "Path '/x' for method GET already in use"),
        ({"path_prefix": "/x/", "method": "GET"}, "GET pathPrefix /x/ is already defined"),
    ],
)
def test_a_route_is_registered_once(route: dict[str, str], text: str) -> None:
    with pytest.raises(SchemaDefinitionError) as refused:
        router_of(route, route | {"method": "POST"}, route)

    assert str(refused.value) == text


# The reserved paths are these, and no others: agents' webhooks may be called `/.filesystem`.
@pytest.mark.parametrize("path", ["/.filesystem", "/files/", "/"])
def test_paths_near_the_reserved_ones_are_free(path: str) -> None:
    assert found(router_of({"path": path, "method": "GET"}), path) == f"GET {path}"


@pytest.mark.parametrize("handler", [None, lambda ctx, request: None, "x"])
def test_only_http_actions_are_routed_to(handler: Any) -> None:
    with pytest.raises(TypeError, match=r"handler must be made by http_action\(\.\.\.\)"):
        HttpRouter().route(path="/x", method="GET", handler=handler)


def test_an_http_action_is_made_of_a_function() -> None:
    with pytest.raises(TypeError, match="handler must be a function, got str"):
        http_action("x")  # type: ignore[arg-type]


def test_a_path_comes_before_a_prefix_and_a_long_prefix_before_a_short_one() -> None:
    router = router_of(
        {"path_prefix": "/a/", "method": "GET"},
        {"path_prefix": "/a/b/", "method": "GET"},
        {"path": "/a/b/c", "method": "GET"},
        {"path_prefix": "/", "method": "GET"},
    )

    assert found(router, "/a/b/c") == "GET /a/b/c"
    assert found(router, "/a/b/d") == "GET /a/b/*"
    assert found(router, "/a/b/") == "GET /a/b/*"
    assert found(router, "/a/b") == "GET /a/*"
    assert found(router, "/a") == "GET /*"


# `/profile/` is not `/profile`, and a prefix does not match the path without its slash.
def test_slashes_count() -> None:
    router = router_of({"path": "/x", "method": "GET"}, {"path_prefix": "/y/", "method": "GET"})

    assert found(router, "/x/") is None
    assert found(router, "/y") is None


def test_methods_are_apart_and_get_answers_head() -> None:
    router = router_of({"path": "/x", "method": "GET"}, {"path_prefix": "/x", "method": "POST"} | {"path_prefix": "/"})

    assert found(router, "/x", "HEAD") == "GET /x"
    assert found(router, "/x", "POST") == "POST /*"
    assert found(router, "/x", "PUT") is None


def test_routes_are_listed_in_npms_order() -> None:
    router = router_of(
        {"path_prefix": "/b/", "method": "POST"},
        {"path_prefix": "/a/", "method": "POST"},
        {"path_prefix": "/c/", "method": "GET"},
        {"path": "/z", "method": "GET"},
        {"path": "/a", "method": "POST"},
        {"path": "/a", "method": "GET"},
    )

    assert [str(route) for route in router.routes()] == [
        "GET /a",
        "POST /a",
        "GET /z",
        "GET /c/*",
        "POST /a/*",
        "POST /b/*",
    ]


def test_an_action_can_be_called_by_another() -> None:
    assert named("inner")(None, None) == "inner"

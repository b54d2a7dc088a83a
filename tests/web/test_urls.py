"""The URL an HTTP action sees: host and scheme by the headers, the path as browsers write it."""

import pytest

from convex_mastra_emulator.errors import DeploymentError, ErrorKind
from convex_mastra_emulator.runtime.http_messages import HttpHeaders
from convex_mastra_emulator.web.messages import WebRequest
from convex_mastra_emulator.web.urls import normal_path, request_url


def url_of(headers: dict[str, str], path: str = "/x", query: str = "") -> str:
    return request_url(WebRequest(method="GET", path=path, query=query, headers=HttpHeaders(headers)), path)[0]


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"host": "a:1"}, "http://a:1/x"),
        ({"host": "Agents.Example"}, "http://agents.example/x"),
        ({"host": "a:80"}, "http://a/x"),
        ({"host": "[::1]:5"}, "http://[::1]:5/x"),
        ({"host": "a", "x-forwarded-proto": "https"}, "https://a/x"),
        ({"host": "a:443", "x-forwarded-proto": "HTTPS"}, "https://a/x"),
        ({"host": "a", "x-forwarded-host": "b"}, "http://b/x"),
        ({"host": "a", "x-forwarded-host": "b", "forwarded": 'for=1;Host="c:8"; proto=https, host=d'}, "https://c:8/x"),
    ],
)
def test_the_host_is_that_of_the_first_proxy(headers: dict[str, str], url: str) -> None:
    assert url_of(headers) == url


# The deployment fails as a whole on them: no action could be asked.
@pytest.mark.parametrize(
    "headers", [{}, {"host": ""}, {"host": "a b"}, {"host": "a/b"}, {"host": "a", "x-forwarded-proto": "1"}]
)
def test_without_a_host_there_is_no_url(headers: dict[str, str]) -> None:
    with pytest.raises(DeploymentError, match="header Host") as failed:
        url_of(headers)

    assert failed.value.kind is ErrorKind.INTERNAL


def test_a_query_string_is_kept_and_encoded() -> None:
    assert url_of({"host": "a"}, query="b=1&c=%20'\"é") == "http://a/x?b=1&c=%20%27%22%C3%A9"


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("", "/"),
        ("/", "/"),
        ("/a/", "/a/"),
        ("/a//b", "/a//b"),
        ("/a/./b", "/a/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/../a", "/a"),
        ("/a/%2E%2e/b", "/b"),
        ("/a\\b", "/a/b"),
        ("/a b{}", "/a%20b%7B%7D"),
        ("/caf%C3%A9/é", "/caf%C3%A9/%C3%A9"),
        ("/a:b@c;d=e,f+g$h!", "/a:b@c;d=e,f+g$h!"),
    ],
)
def test_a_path_is_normalised(path: str, normal: str) -> None:
    assert normal_path(path) == normal
    assert normal_path(normal) == normal

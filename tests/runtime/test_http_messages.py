"""Requests and responses of HTTP actions, as a deployment's own `Headers`, `Request` and `Response` are.

convex-backend npm-packages/udf-runtime/src/20_headers.ts, 23_request.ts, 23_response.ts.
"""

from typing import Any

import pytest

from convex_mastra_emulator import ConvexInt64, HttpActionRequest, HttpActionResponse, undefined
from convex_mastra_emulator.runtime.http_messages import HttpHeaders


def test_headers_are_found_by_name_in_any_case() -> None:
    headers = HttpHeaders({"Content-Type": "a", "X-B": "b"})

    assert (headers["content-TYPE"], headers.get("x-b"), headers.get("x-c")) == ("a", "b", None)
    assert "X-b" in headers
    assert list(headers) == ["content-type", "x-b"]


def test_several_headers_of_one_name_are_one_value_with_commas() -> None:
    headers = HttpHeaders([("Set-Cookie", "a=1"), ("x", "y"), ("set-cookie", "b=2")])

    assert headers["set-cookie"] == "a=1, b=2"
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert (len(headers), headers.pairs[0]) == (2, ("set-cookie", "a=1"))


# A name with a line end would begin a header of somebody else's.
@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "ä", "a\x00", 5])
def test_names_that_are_none_are_refused(name: Any) -> None:
    with pytest.raises(TypeError) as refused:
        HttpActionResponse(headers=[(name, "x")])

    assert str(refused.value) == "Failed to execute 'append' on 'Headers: Invalid name"


@pytest.mark.parametrize("status", [200, 204, 302, 404, 599])
def test_a_status_may_be(status: int) -> None:
    assert HttpActionResponse(status=status).status == status


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600, True, "200", 200.0])
def test_a_status_may_not_be(status: Any) -> None:
    with pytest.raises(ValueError, match=r"^Failed to construct 'Response': .* outside the range \[200, 599\]\.$"):
        HttpActionResponse(status=status)


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ("grüß", "grüß".encode(), "text/plain;charset=UTF-8"),
        (b"\x00", b"\x00", None),
        (bytearray(b"x"), b"x", None),
        (None, b"", None),
    ],
)
def test_text_has_a_type_and_bytes_have_none(body: Any, sent: bytes, content_type: str | None) -> None:
    response = HttpActionResponse(body)

    assert (response.body, response.headers.get("content-type")) == (sent, content_type)


def test_a_type_that_is_given_stays() -> None:
    response = HttpActionResponse("<p>", headers={"Content-Type": "text/html"})

    assert response.headers.pairs == (("content-type", "text/html"),)


def test_another_body_is_refused() -> None:
    with pytest.raises(TypeError, match="body must be bytes or text, got dict"):
        HttpActionResponse({"a": 1})  # type: ignore[arg-type]


def test_json_is_written_as_javascript_writes_it() -> None:
    response = HttpActionResponse.json({"b": (1, 2.5, None), "a": "ü"}, 201, {"Content-Type": "x", "y": "z"})

    assert response.text() == '{"b":[1,2.5,null],"a":"ü"}'
    assert response.read_json() == {"b": [1, 2.5, None], "a": "ü"}
    assert response.status == 201
    assert response.headers.pairs == (("y", "z"), ("content-type", "application/json"))


@pytest.mark.parametrize("value", [ConvexInt64(1), [object()], {"a": {1}}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="Failed to execute 'json' on 'Response': The data is not JSON serializable"):
        HttpActionResponse.json(value)


def test_undefined_is_no_json_either() -> None:
    with pytest.raises(TypeError, match="The data is not JSON serializable"):
        HttpActionResponse.json(undefined)


def test_the_body_of_a_request_is_text_and_json() -> None:
    request = HttpActionRequest("POST", "http://x/", body='\ufeff{"a": 1, "b": "ü"}'.encode())

    assert request.text() == '{"a": 1, "b": "ü"}'
    assert request.json() == {"a": 1.0, "b": "ü"}


@pytest.mark.parametrize("body", [b"", b"{", b"NaN"])
def test_a_request_without_json_says_so(body: bytes) -> None:
    with pytest.raises(SyntaxError):
        HttpActionRequest("POST", "http://x/", body=body).json()


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert HttpActionRequest("POST", "http://x/", body=b"a\xff").text() == "a\ufffd"

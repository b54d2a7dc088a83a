"""Bytes and integers arrive in standard base64 and in nothing that resembles it.

convex-backend crates/value/src/json/bytes.rs, integer.rs: the standard alphabet, padded, and nothing beside it.
"""

from __future__ import annotations

import pytest

from pytest_mastra_convex.conformance.plain_http import PlainHttp

TAKES_ANY = "conformance/typed:takesAny"


# A client that encodes for URLs, or breaks lines as mail does: bytes that were read otherwise would be stored silently.
@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"$bytes": "-_8A"}, id="alphabet-of-urls"),
        pytest.param({"$bytes": "+/8\n"}, id="line-break"),
        pytest.param({"$bytes": "+ 8A"}, id="space"),
        pytest.param({"$bytes": "AA==AAAA"}, id="padding-in-the-middle"),
        pytest.param({"$integer": "_________38="}, id="integer-for-urls"),
    ],
)
def test_other_base64_is_refused(plain_http: PlainHttp, value: dict[str, str]) -> None:
    answer = plain_http.call("query", TAKES_ANY, {"value": value}).json()

    assert answer["status"] == "error"
    assert "base64" in answer["errorMessage"]

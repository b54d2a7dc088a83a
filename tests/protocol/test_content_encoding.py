"""Compressed bodies: what they were before, never more of it than asked for, and clear refusals."""

import gzip
import zlib

import brotli
import pytest

from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.protocol.content_encoding import decompressed
from convex_mastra_emulator.protocol.http_exchange import HttpRequest

BODY = b'{"adminKey": "k"}' * 100
COMPRESS = {"br": brotli.compress, "gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}


def request(body: bytes, encoding: str | None) -> HttpRequest:
    headers = {} if encoding is None else {"content-encoding": encoding}
    return HttpRequest(method="POST", path="/", headers=headers, body=body)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_bodies_come_back(encoding: str) -> None:
    assert decompressed(request(COMPRESS[encoding](BODY), encoding), 10_000).body == BODY


def test_a_body_without_an_encoding_stays() -> None:
    assert decompressed(request(BODY, None), 10).body == BODY


# One byte more than allowed is enough to see that it is too large; a small body may hold gigabytes.
@pytest.mark.parametrize("encoding", ["br", "gzip", "deflate"])
def test_no_more_than_asked_for_is_decompressed(encoding: str) -> None:
    bomb = COMPRESS[encoding](bytes(50_000_000))
    assert len(bomb) < 100_000

    assert len(decompressed(request(bomb, encoding), 3_000_000).body) == 3_000_001


@pytest.mark.parametrize("encoding", ["br", "gzip", "deflate"])
def test_the_largest_body_is_whole(encoding: str) -> None:
    assert decompressed(request(COMPRESS[encoding](BODY), encoding), len(BODY)).body == BODY


@pytest.mark.parametrize("encoding", ["br", "gzip", "deflate"])
@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b"\xff" + data, lambda data: b""])
def test_a_body_that_is_none_is_refused(encoding: str, spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(RequestRefused, match=f"Failed to decompress the request body as {encoding}"):
        decompressed(request(spoil(COMPRESS[encoding](BODY)), encoding), 10_000)


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(RequestRefused, match="Unsupported Content-Encoding: zstd"):
        decompressed(request(BODY, "zstd"), 10_000)

"""Bodies of requests that came compressed; ``npx convex deploy`` sends brotli.

convex-backend crates/local_backend/src/router.rs: tower-http's decompression of requests, on the push routes only
(convex-wire.md §4.2, checked 2026-11-21).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import brotli

from convex_mastra_emulator.errors import RequestRefused

if TYPE_CHECKING:
    from convex_mastra_emulator.protocol.http_exchange import HttpRequest

_CHUNK = 1 << 20


def decompressed(request: HttpRequest, size_max: int) -> HttpRequest:
    """The request with its body as it was before it was compressed, at most one byte more than ``size_max`` of it.

    Raises:
        RequestRefused: for another compression than brotli, gzip and deflate, and for a body that is none.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return request
    decompress = _DECOMPRESS.get(encoding)
    if decompress is None:
        raise RequestRefused(f"Unsupported Content-Encoding: {encoding}", code="UnsupportedMediaType")
    try:
        body = decompress(request.body, size_max + 1)
    except (brotli.error, zlib.error):
        raise RequestRefused(f"Failed to decompress the request body as {encoding}", code="BadJsonBody") from None
    return replace(request, body=body)


def _brotli(data: bytes, room: int) -> bytes:
    decompressor = brotli.Decompressor()
    body = bytearray(decompressor.process(data, output_buffer_limit=_CHUNK))
    while len(body) < room and not decompressor.is_finished():
        part = decompressor.process(b"", output_buffer_limit=_CHUNK)
        if not part:
            raise brotli.error("the body ends before its compressed stream does")
        body += part
    return bytes(body[:room])


def _zlib(window_bits: int) -> Callable[[bytes, int], bytes]:
    def decompress(data: bytes, room: int) -> bytes:
        decompressor = zlib.decompressobj(window_bits)
        body = decompressor.decompress(data, room)
        if not decompressor.eof and len(body) < room:
            raise zlib.error("the body ends before its compressed stream does")
        return body

    return decompress


_DECOMPRESS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "br": _brotli,
    "gzip": _zlib(16 + zlib.MAX_WBITS),
    "deflate": _zlib(zlib.MAX_WBITS),
}

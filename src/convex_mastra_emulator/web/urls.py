"""The URL of a request, as the function that answers it sees it.

Scheme and host come from what proxies add, else from the request itself; the URL is normalised as browsers do it.

convex-backend crates/local_backend/src/http_actions.rs ``ExtractHttpRequestMetadata``; Rust's crates axum-extra 0.10.0
``Host`` and url 2 (WHATWG URL) (checked 2026-11-21).
"""

from __future__ import annotations

import re
from urllib.parse import quote

from convex_mastra_emulator.errors import DeploymentError, ErrorKind
from convex_mastra_emulator.web.messages import WebRequest

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]+)(?::[0-9]{0,5})?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HERE = ("", ".", "%2e")
_UP = ("..", ".%2e", "%2e.", "%2e%2e")
# What stays as it is: printable ASCII but what the WHATWG sets of path and query name.
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_PATH_SAFE = "".join(char for char in _PRINTABLE if char not in '"#<>?`{}')
_QUERY_SAFE = "".join(char for char in _PRINTABLE if char not in "\"#<>'")


def request_url(request: WebRequest, path: str) -> tuple[str, str]:
    """The URL of a request, and the path in it by which it is routed.

    Args:
        request: whose headers tell the host.
        path: as it was sent, without what stands before the HTTP actions' own.

    Raises:
        DeploymentError: of kind INTERNAL, without a host, or for what makes no URL.
    """
    scheme = (request.header("x-forwarded-proto") or _forwarded(request, "proto") or "http").lower()
    host = _forwarded(request, "host") or request.header("x-forwarded-host") or request.header("host")
    if host is None or not _HOST.fullmatch(host) or not _SCHEME.fullmatch(scheme):
        raise DeploymentError(
            "an HTTP action needs the header Host, and a URL made of it",
            code="InternalServerError",
            kind=ErrorKind.INTERNAL,
        )
    host = host.lower().removesuffix(":").removesuffix(_DEFAULT_PORTS.get(scheme, ":"))
    normal = normal_path(path)
    query = f"?{quote(request.query, safe=_QUERY_SAFE)}" if request.query else ""
    return f"{scheme}://{host}{normal}{query}", normal


def _forwarded(request: WebRequest, name: str) -> str | None:
    """A part of the first proxy's ``Forwarded`` header."""
    header = request.header("forwarded") or ""
    for part in header.split(",")[0].split(";"):
        key, equals, value = part.partition("=")
        if equals and key.strip().lower() == name:
            return value.strip().strip('"')
    return None


def normal_path(path: str) -> str:
    """A path without ``.`` and ``..``, and with everything encoded that a URL's path must not have."""
    segments: list[str] = []
    parts = path.replace("\\", "/").split("/")[1:] or [""]
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        lowered = part.lower()
        if lowered in _UP:
            del segments[-1:]
        elif lowered not in _HERE[1:]:
            segments.append(quote(part, safe=_PATH_SAFE))
            continue
        if is_last:
            segments.append("")
    return "/" + "/".join(segments)

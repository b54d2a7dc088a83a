"""Which pages of other origins may call: all of them, as on a deployment.

convex-backend crates/local_backend/src/router.rs ``cors`` (convex-wire.md §1.10, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping

_CORS_METHODS = "GET,POST,OPTIONS,PATCH,DELETE,PUT"
_CORS_AGE_SECONDS = "86400"


def cors_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What an answer to a page of another origin carries."""
    origin = headers.get("origin")
    if origin is None:
        return ()
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("vary", "origin, access-control-request-method, access-control-request-headers"),
    )


def preflight_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What a browser is told that asks before it sends."""
    wanted = headers.get("access-control-request-headers")
    allowed = (("access-control-allow-headers", wanted),) if wanted else ()
    return (
        *cors_headers(headers),
        *allowed,
        ("access-control-allow-methods", _CORS_METHODS),
        ("access-control-max-age", _CORS_AGE_SECONDS),
    )

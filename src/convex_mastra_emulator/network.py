"""Lets ``fetch`` of actions out to the network: the one place that does, and only when the emulator is told to.

convex-backend crates/common/src/http/fetch.rs (checked 2026-11-21).
"""

from __future__ import annotations

from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse, Headers

TIMEOUT_SECONDS = 30.0
_DEFAULT_HEADERS = {"user-agent": "Convex/1.0", "accept": "*/*", "accept-encoding": "identity"}


def send(request: FetchRequest, *, timeout_seconds: float = TIMEOUT_SECONDS) -> FetchResponse:
    """Sends a request and gives its response; a redirect is one, and not followed here.

    Args:
        request: what is sent.
        timeout_seconds: how long each step of it may take.

    Raises:
        ThrownError: when there is no response.
    """
    # Imported when something is sent: `requests` takes longer than everything else here together.
    import requests

    headers = {**_DEFAULT_HEADERS, **request.headers}
    try:
        response = requests.request(
            request.method,
            request.url,
            headers=headers,
            data=request.body,
            allow_redirects=False,
            timeout=timeout_seconds,
        )
    except requests.RequestException as error:
        raise ThrownError(f"error sending request for url ({request.url}): {error}") from None
    return FetchResponse(response.status_code, Headers(response.headers), response.content)

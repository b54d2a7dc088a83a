"""A cache of responses in memory, by their ``Cache-Control``: what a deployment asks providers of tokens with.

What is not fresh is asked for anew; a deployment asks with conditions then, which gives the same.

convex-backend crates/http_client/src/lib.rs, crates/common/src/knobs.rs ``HTTP_CACHE_SIZE``; a shared cache of
RFC 9111, as http-cache 0.20 is without options (checked 2026-11-21).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse, Headers

CACHE_SIZE_MAX = 16 << 20
"""Bytes of addresses and bodies."""
_ACCEPT = Headers({"accept": "application/json"})
# Without a word about it, a response is good for a tenth of the time for which it had not changed (RFC 9111 §4.2.2).
_HEURISTIC = 0.1


class _Kept(NamedTuple):
    response: FetchResponse
    until_s: float

    def size(self, url: str) -> int:
        return len(url) + len(self.response.body)


class CachedFetch:
    """Gets JSON, and keeps it for as long as it is good.

    Args:
        fetch: asks.
        now_s: the time, seconds since the Unix epoch.
        size_max: how much is kept, in bytes; what was not used for longest goes first.
    """

    def __init__(
        self,
        fetch: Callable[[FetchRequest], FetchResponse],
        now_s: Callable[[], float],
        *,
        size_max: int = CACHE_SIZE_MAX,
    ) -> None:
        self._fetch = fetch
        self._now_s = now_s
        self._size_max = size_max
        self._size = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str) -> FetchResponse:
        """The response of a URL, redirects followed.

        Raises:
            Exception: what the fetch raises.
        """
        with self._lock:
            kept = self._kept.get(url)
            if kept is not None and self._now_s() < kept.until_s:
                self._kept.move_to_end(url)
                return kept.response
        response = self._fetch(FetchRequest("GET", url, _ACCEPT))
        with self._lock:
            self._forget(url)
            lifetime_s = freshness_s(response)
            if lifetime_s > 0:
                self._keep(url, _Kept(response, self._now_s() + lifetime_s))
        return response

    def _keep(self, url: str, kept: _Kept) -> None:
        self._kept[url] = kept
        self._size += kept.size(url)
        while self._size > self._size_max:
            self._forget(next(iter(self._kept)))

    def _forget(self, url: str) -> None:
        kept = self._kept.pop(url, None)
        if kept is not None:
            self._size -= kept.size(url)


def freshness_s(response: FetchResponse) -> float:
    """For how many seconds a response may be used again; 0 for one that may not."""
    headers = response.headers
    directives = _directives(headers.get("cache-control", ""))
    if response.status != 200 or not directives.keys().isdisjoint({"no-store", "no-cache", "private"}):
        return 0.0
    return max(0.0, _lifetime_s(headers, directives) - _number(headers.get("age")))


def _lifetime_s(headers: Mapping[str, str], directives: Mapping[str, str]) -> float:
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return _number(directives[name])
    date = _date(headers.get("date"))
    if date is None:
        return 0.0
    if "expires" in headers:
        expires = _date(headers["expires"])
        return 0.0 if expires is None else (expires - date).total_seconds()
    changed = _date(headers.get("last-modified"))
    return 0.0 if changed is None else (date - changed).total_seconds() * _HEURISTIC


def _directives(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _number(text: str | None) -> float:
    return float(text) if text is not None and text.isascii() and text.isdigit() else 0.0


def _date(text: str | None) -> datetime | None:
    try:
        # HTTP's dates are those of GMT.
        return None if text is None else parsedate_to_datetime(text).replace(tzinfo=None)
    except ValueError:
        return None

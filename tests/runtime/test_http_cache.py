"""How long a response is used again, and how many are kept.

Rules: RFC 9111 for a shared cache, as convex-backend crates/http_client/src/lib.rs keeps what providers of tokens say.
"""

from __future__ import annotations

import pytest

from convex_mastra_emulator import FetchRequest, FetchResponse
from convex_mastra_emulator.runtime.http_cache import CachedFetch, freshness_s

URL = "https://a.com/jwks"
DATE = {"date": "Wed, 21 Oct 2015 07:28:00 GMT"}


class Provider:
    """Answers, counts, and has a clock."""

    def __init__(self, *, size_max: int = 1000, **headers: str) -> None:
        self.asked: list[str] = []
        self.now_s = 1000.0
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.http = CachedFetch(self._answer, lambda: self.now_s, size_max=size_max)

    def _answer(self, request: FetchRequest) -> FetchResponse:
        assert (request.method, request.headers["accept"]) == ("GET", "application/json")
        self.asked.append(request.url)
        return FetchResponse.of(text=str(len(self.asked)), headers=self._headers)


def test_a_response_is_used_until_its_age_is_reached() -> None:
    provider = Provider(cache_control="public, max-age=60")

    texts = [provider.http.get(URL).text()]
    provider.now_s += 59.9
    texts.append(provider.http.get(URL).text())
    provider.now_s += 0.1
    texts.append(provider.http.get(URL).text())

    assert texts == ["1", "1", "2"]


def test_without_a_word_about_it_nothing_is_used_again() -> None:
    provider = Provider()

    assert [provider.http.get(URL).text(), provider.http.get(URL).text()] == ["1", "2"]


def test_what_was_not_used_for_longest_goes_first() -> None:
    urls = [f"https://a.com/{name}" for name in "abc"]
    # Two of 15 bytes of address and one of body fit, three do not.
    provider = Provider(size_max=47, cache_control="max-age=60")

    for url in (urls[0], urls[1], urls[0], urls[2]):
        provider.http.get(url)
    provider.http.get(urls[0])
    provider.http.get(urls[1])

    assert provider.asked == [urls[0], urls[1], urls[2], urls[1]]


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    provider = Provider(size_max=5, cache_control="max-age=60")

    provider.http.get(URL)
    provider.http.get(URL)

    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "MAX-AGE=60, must-revalidate"}, 60),
        ({"cache-control": 'max-age="60"'}, 60),
        ({"cache-control": "max-age=60, s-maxage=10"}, 10),
        ({"cache-control": "max-age=60", "age": "50"}, 10),
        ({"cache-control": "max-age=60", "age": "70"}, 0),
        ({"cache-control": "max-age=x"}, 0),
        ({"cache-control": "no-store, max-age=60"}, 0),
        ({"cache-control": "no-cache, max-age=60"}, 0),
        ({"cache-control": "private, max-age=60"}, 0),
        ({**DATE, "expires": "Wed, 21 Oct 2015 07:29:00 GMT"}, 60),
        ({**DATE, "expires": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0),
        ({**DATE, "expires": "0"}, 0),
        ({**DATE, "last-modified": "Wed, 21 Oct 2015 07:18:00 GMT"}, 60),
        ({**DATE, "cache-control": "max-age=5", "expires": "Wed, 21 Oct 2015 07:29:00 GMT"}, 5),
        ({"expires": "Wed, 21 Oct 2015 07:29:00 GMT"}, 0),
        ({}, 0),
    ],
)
def test_freshness(headers: dict[str, str], seconds: float) -> None:
    assert freshness_s(FetchResponse.of(text="x", headers=headers)) == seconds


def test_errors_are_not_kept() -> None:
    assert freshness_s(FetchResponse.of(status=404, headers={"cache-control": "max-age=60"})) == 0

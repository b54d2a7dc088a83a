"""Which texts are URLs of issuers, and which issuers of tokens are meant by them.

Rules: convex-backend crates/common/src/auth.rs ``deserialize_issuer_url``, ``matches_token``.
"""

from __future__ import annotations

import pytest

from convex_mastra_emulator.runtime.issuer_urls import InvalidIssuerUrl, is_same_issuer, issuer_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://clerk.example.com", "https://clerk.example.com"),
        ("https://clerk.example.com/", "https://clerk.example.com/"),
        ("http://127.0.0.1:3211", "http://127.0.0.1:3211"),
        ("http://internal", "http://internal"),
        ("dev-1.us.auth0.com", "https://dev-1.us.auth0.com"),
        ("localhost:3000", "https://localhost:3000"),
        ("example.com/tenant", "https://example.com/tenant"),
    ],
)
def test_a_scheme_is_added_if_there_is_none(given: str, url: str) -> None:
    assert issuer_url(given) == url


NO_URL = "Does not look like a URL (must have a scheme or end with a top-level domain)"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("tokens", NO_URL),
        ("sk_live.notatopleveldomain", NO_URL),
        ("127.0.0.1", NO_URL),
        ('"https://a.com"', 'starts with a double quote (")'),
        ("ftp://a.com", "scheme should be http or https"),
        ("", "empty host"),
        ("https://", "empty host"),
        ("https://a.com:port", "invalid port number"),
        ("https://a.com:99999", "invalid port number"),
        ("https://a b.com", "invalid international domain name"),
    ],
)
def test_what_is_no_url_is_refused(given: str, problem: str) -> None:
    with pytest.raises(InvalidIssuerUrl) as refused:
        issuer_url(given)

    assert str(refused.value) == f'Invalid provider domain URL "{given}": {problem}'


@pytest.mark.parametrize("issuer", ["https://a.com", "https://a.com/", "a.com", "a.com/"])
@pytest.mark.parametrize("url", ["https://a.com", "https://a.com/"])
def test_scheme_and_slashes_at_the_end_do_not_matter(url: str, issuer: str) -> None:
    assert is_same_issuer(url, issuer)


@pytest.mark.parametrize("issuer", ["http://a.com", "https://b.com", "https://a.com/x", ""])
def test_another_issuer_is_another(issuer: str) -> None:
    assert not is_same_issuer("https://a.com", issuer)

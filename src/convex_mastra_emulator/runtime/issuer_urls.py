"""The URLs of those who issue tokens, as ``auth.config.ts`` and tokens name them.

convex-backend crates/common/src/auth.rs ``deserialize_issuer_url`` and ``matches_token`` (checked 2026-11-21).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCHEME = re.compile(r"\w+://")
# What the URL standard forbids in a domain, as far as it can get there.
_NOT_IN_A_DOMAIN = re.compile(r"[\x00-\x20\x7f<>^|%\\\[\]]")


class InvalidIssuerUrl(ValueError):
    """A text that is no URL of an issuer; the message is the deployment's."""


def issuer_url(given: str) -> str:
    """The URL that is meant: ``https://`` is added if no scheme is given.

    Raises:
        InvalidIssuerUrl: for what is none.
    """
    if given.startswith('"'):
        raise _invalid(given, 'starts with a double quote (")')
    has_scheme = _SCHEME.match(given) is not None
    url = given if has_scheme else f"https://{given}"
    scheme, host = _parsed(given, url.strip())
    if scheme not in ("http", "https"):
        raise _invalid(given, "scheme should be http or https")
    if not has_scheme and not _ends_with_tld(host):
        raise _invalid(given, "Does not look like a URL (must have a scheme or end with a top-level domain)")
    return url


def _invalid(given: str, problem: str) -> InvalidIssuerUrl:
    return InvalidIssuerUrl(f'Invalid provider domain URL "{given}": {problem}')


def _parsed(given: str, url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _invalid(given, "invalid IPv6 address") from None
    if parts.scheme in ("http", "https"):
        try:
            parts.port  # noqa: B018 - it is read to be checked
        except ValueError:
            raise _invalid(given, "invalid port number") from None
        if not parts.hostname:
            raise _invalid(given, "empty host")
        if ":" not in parts.hostname and _NOT_IN_A_DOMAIN.search(parts.hostname):
            raise _invalid(given, "invalid international domain name")
    return parts.scheme, parts.hostname or ""


def _ends_with_tld(host: str) -> bool:
    if host == "localhost":
        return True
    _, dot, last = host.rpartition(".")
    if not dot:
        return False
    # The list of IANA that Hypothesis brings; imported here as it takes long and few domains are written like that.
    from hypothesis.provisional import get_top_level_domains

    return last.upper() in get_top_level_domains()


def is_same_issuer(url: str, issuer: str) -> bool:
    """Whether an ``iss`` means the issuer of a URL: it may lack the scheme, or have other slashes at its end."""
    return url.rstrip("/") == with_scheme(issuer).rstrip("/")


def with_scheme(issuer: str) -> str:
    """An issuer with its scheme, which some leave out in tokens."""
    return issuer if issuer.startswith(("https://", "http://")) else f"https://{issuer}"

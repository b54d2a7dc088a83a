"""The HTTP actions of a test's deployment, asked over a socket: ``convex_site.post("/hooks/agent", json={...})``."""

from __future__ import annotations

from typing import Any

import requests


class Site:
    """Asks HTTP actions below one URL.

    Options are those of ``requests.request``: ``params``, ``headers``, ``json``, ``data``.  Redirections are answers
    like any other: nothing is followed.

    Args:
        url: where HTTP actions answer, without a slash at its end.
        seconds: how long an answer may take.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self.url = url
        self._seconds = seconds
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between a test and what it talks to, no password of .netrc

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request.

        Args:
            method: such as ``POST``.
            path: of the route, with its query string; it begins with a slash.
            options: of ``requests.request``.

        Raises:
            ValueError: if ``path`` begins with no slash.
            requests.RequestException: when no answer came.
        """
        if not path.startswith("/"):
            raise ValueError(f"path must begin with a slash, got {path!r}")
        options = {"timeout": self._seconds, "allow_redirects": False, **options}
        return self._session.request(method, self.url + path, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """``GET``."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """``POST``."""
        return self.request("POST", path, **options)

    def close(self) -> None:
        """Ends its connections."""
        self._session.close()

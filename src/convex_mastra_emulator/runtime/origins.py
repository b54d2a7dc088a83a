"""Where a deployment says that it can be reached, and what its functions see of that.

Two variables stand in every function's environment without being among those a user sets; a user's own of the same
name would win.

convex-backend crates/local_backend/src/config.rs ``convex_origin_url`` and ``convex_site_url``,
crates/udf/src/environment.rs ``system_env_vars`` (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# A local backend's own ports.
CLOUD_URL = "http://127.0.0.1:3210"
SITE_URL = "http://127.0.0.1:3211"
_CLOUD, _SITE = "CONVEX_CLOUD_URL", "CONVEX_SITE_URL"


class Origins:
    """The two URLs of a deployment, each without a slash at its end.

    Attributes:
        environment: the variables that functions see.
        listeners: told after each change.
    """

    def __init__(self) -> None:
        self.environment = {_CLOUD: CLOUD_URL, _SITE: SITE_URL}
        self.listeners: list[Callable[[], None]] = []

    @property
    def cloud_url(self) -> str:
        """Where functions are called, and files are up and downloaded."""
        return self.environment[_CLOUD]

    @property
    def site_url(self) -> str:
        """Where HTTP actions are called."""
        return self.environment[_SITE]

    @contextmanager
    def served_at(self, cloud_url: str, site_url: str) -> Iterator[None]:
        """These are the URLs while the block runs."""
        before = dict(self.environment)
        self._change({_CLOUD: cloud_url, _SITE: site_url})
        try:
            yield
        finally:
            self._change(before)

    def _change(self, environment: dict[str, str]) -> None:
        self.environment.update(environment)
        for listener in self.listeners:
            listener()

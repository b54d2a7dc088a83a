"""The users of a deployment: whose tokens it takes, and tokens for tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.runtime.auth_config import AuthInfo
from convex_mastra_emulator.runtime.config_tokens import ConfigProvider
from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse
from convex_mastra_emulator.runtime.http_cache import CachedFetch
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.provider_keys import ProviderKeys
from convex_mastra_emulator.runtime.tokens import (
    AuthProvider,
    Provider,
    issue_token,
    provider_of_tests,
    verify_token,
)


class Users:
    """Checks tokens, and issues them.

    Args:
        clock: says whether a token is still good.
        chance: where the key of test tokens comes from.
        providers: whose tokens make users; they come before those of the config.
        config: the providers of ``auth.config.ts`` as they are.
        fetch: asks providers of the config for their keys.
    """

    def __init__(
        self,
        clock: Clock,
        chance: random.Random,
        providers: Sequence[AuthProvider],
        *,
        config: Callable[[], Sequence[AuthInfo]],
        fetch: Callable[[FetchRequest], FetchResponse],
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._providers = list(providers)
        self._config = config
        self._keys = ProviderKeys(CachedFetch(fetch, lambda: self._now_s))
        self._secret: str | None = None

    def continue_from(self, other: Users) -> None:
        """Takes the tokens that ``other`` takes, those of its config apart."""
        self._providers, self._secret = list(other._providers), other._secret

    def issue_token(self, *, subject: str, valid_seconds: float, **claims: Any) -> str:
        """A token for tests, signed with a key only this deployment has."""
        if self._secret is None:
            self._secret = f"{self._chance.getrandbits(256):064x}"
            self._providers.append(provider_of_tests(self._secret))
        return issue_token(self._secret, subject=subject, now_s=self._now_s, valid_seconds=valid_seconds, **claims)

    def verify_token(self, token: str, *, is_redacted: bool = False) -> Identity:
        """The user a token stands for.

        Args:
            token: a JSON web token.
            is_redacted: whether refusals leave out what they do in production.

        Raises:
            RequestRefused: with the deployment's text, if it is not good.
        """
        config = [ConfigProvider(info, self._keys, is_redacted) for info in self._config()]
        providers: list[Provider] = [*self._providers, *config]
        return verify_token(token, providers, self._now_s, is_redacted=is_redacted)

    @property
    def _now_s(self) -> float:
        return self._clock.now_ns() / 1_000_000_000

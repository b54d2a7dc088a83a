"""The ``Convex-Client`` header: which client speaks, whether it is still served, which format it expects.

convex-backend crates/common/src/version.rs, crates/common/deprecation.json
(convex-wire.md §1.3, checked 2026-11-21).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from convex_mastra_emulator.errors import RequestRefused

_SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\Z")
_VERSION_LENGTH_MAX = 512
_ALIASES = {"python-convex": "python"}
_NPM_FAMILY = ("npm", "npm-cli", "actions")

Version = tuple[int, int, int, bool]
"""Major, minor, patch, and whether it is a release (a pre-release comes before its release)."""

# From this version on a client understands the clean format without asking for it.
_CLEAN_FROM: dict[str, Version] = {**dict.fromkeys(_NPM_FAMILY, (1, 4, 1, True)), "python": (0, 5, 0, True)}
_UNSUPPORTED_TO: dict[str, Version] = {
    **dict.fromkeys(_NPM_FAMILY, (0, 19, 1, True)),
    "python": (0, 0, 2, True),
    "rust": (0, 0, 1, True),
}
_DEPRECATED_TO: dict[str, Version] = {**_UNSUPPORTED_TO, "python": (0, 2, 0, True)}
_INSTRUCTIONS = {
    **dict.fromkeys(_NPM_FAMILY, "Update your Convex npm version with `npx convex update` or `npm update`."),
    "python": "Update your Convex python version with `pip install --upgrade convex`.",
    "rust": "Update your Convex rust version with `cargo update -p convex` or by updating `Cargo.toml`.",
}

STATE_HEADER = "x-convex-deprecation-state"
MESSAGE_HEADER = "x-convex-deprecation-message"


def _parse_version(text: str) -> Version | None:
    match = _SEMVER.match(text)
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3]), match[4] is None


@dataclass(frozen=True, slots=True)
class ClientVersion:
    """A client and its version; a version that is no semver counts as both old and new."""

    client: str
    text: str
    version: Version | None

    def _reaches_down_to(self, threshold: Version | None) -> bool:
        return threshold is not None and (self.version is None or self.version <= threshold)

    @property
    def default_format(self) -> str:
        """The format of answers to requests that name none."""
        clean_from = _CLEAN_FROM.get(self.client)
        is_clean = clean_from is None or self.version is None or self.version >= clean_from
        return "json" if is_clean else "convex_encoded_json"

    @property
    def unsupported_message(self) -> str | None:
        """Why the client is refused; None if it is served."""
        if not self._reaches_down_to(_UNSUPPORTED_TO.get(self.client)):
            return None
        return (
            f"The Convex {self.client} package at version {self.text} is no longer supported. "
            f"{_INSTRUCTIONS[self.client]}"
        )

    @property
    def deprecation_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell an old client so; none for a current one."""
        unsupported = self.unsupported_message
        if unsupported is not None:
            return (STATE_HEADER, "Unsupported"), (MESSAGE_HEADER, unsupported)
        if not self._reaches_down_to(_DEPRECATED_TO.get(self.client)):
            return ()
        message = (
            f"The Convex {self.client} package at {self.text} is deprecated and will no longer be supported soon. "
            "When this version is no longer supported, requests to Convex will fail, so it is best to upgrade and "
            f"redeploy your application as soon as possible. {_INSTRUCTIONS[self.client]}"
        )
        return (STATE_HEADER, "UpgradeRequired"), (MESSAGE_HEADER, message)


UNKNOWN_CLIENT = ClientVersion("unknown", "unknownversion", None)


def parse_client_version(header: str) -> ClientVersion:
    """Reads ``{client}-{semver}``; the longest semver from the right is the version.

    Raises:
        RequestRefused: ``InvalidClientVersion``.
    """
    parts = header.split("-")
    if len(parts) < 2:
        raise RequestRefused(
            f"Failed to parse client version string: '{header}'. Expected format is "
            "{client_name}-{semver}, e.g. my-esolang-client-0.0.1",
            code="InvalidClientVersion",
        )
    # Looking for a version takes the square of the header's length; so long a one has none.
    for position in range(1, len(parts) if len(header) <= _VERSION_LENGTH_MAX else 0):
        text = "-".join(parts[position:])
        version = _parse_version(text)
        if version is not None:
            return ClientVersion(_client_name("-".join(parts[:position])), text, version)
    return ClientVersion(_client_name(parts[0]), "-".join(parts[1:]), None)


def _client_name(text: str) -> str:
    name = text.lower()
    return _ALIASES.get(name, name)

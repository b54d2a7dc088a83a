"""The register of known differences between targets: ``divergences.toml``, read and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

KINDS = ("missing", "upstream", "by-design")
TARGETS = ("emulator", "server", "oracle", "live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """One known difference.

    Attributes:
        id: what tests name it by.
        kind: ``missing`` (we could), ``upstream`` (they differ from a deployment), ``by-design``.
        target: which target is the odd one out.
        since: the day it was first seen, ``YYYY-MM-DD``.
        source: where it is written down: a file, a section, a link.
        reason: one sentence.
    """

    id: str
    kind: str
    target: str
    since: str
    source: str
    reason: str


def load_divergences() -> dict[str, Divergence]:
    """The register by id.

    Raises:
        ValueError: if an entry is not as :class:`Divergence` says.
    """
    text = files("pytest_mastra_convex").joinpath("divergences.toml").read_text(encoding="utf-8")
    return parse_divergences(text)


def parse_divergences(text: str) -> dict[str, Divergence]:
    """Reads a register.

    Raises:
        ValueError: if an entry is not as :class:`Divergence` says.
    """
    register: dict[str, Divergence] = {}
    for entry in tomllib.loads(text).get("divergence", []):
        divergence = _checked(entry)
        if divergence.id in register:
            raise ValueError(f"divergence {divergence.id!r} is registered twice")
        register[divergence.id] = divergence
    return register


def _checked(entry: dict[str, Any]) -> Divergence:
    names = {field.name for field in fields(Divergence)}
    if set(entry) != names or not all(isinstance(value, str) and value for value in entry.values()):
        raise ValueError(f"divergence {entry.get('id', '?')!r} must have the text fields {', '.join(sorted(names))}")
    divergence = Divergence(**entry)
    if divergence.kind not in KINDS:
        raise ValueError(f"divergence {divergence.id!r}: kind must be one of {', '.join(KINDS)}")
    if divergence.target not in TARGETS:
        raise ValueError(f"divergence {divergence.id!r}: target must be one of {', '.join(TARGETS)}")
    return divergence

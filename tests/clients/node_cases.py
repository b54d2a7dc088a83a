"""The cases of the Node scripts in this folder, as pytest sees them.

A script registers cases with `test("name", async ({ … }) => { … })` (harness.mjs).  Their names are read from its text,
so that collecting tests starts no Node; running a script is one Node process for all the cases asked of it, which
prints one JSON line per case.  Nothing here imports pytest.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_mastra_convex.node_project import node_binary

FOLDER = Path(__file__).resolve().parent

# Below the time-out of a single test (pyproject.toml): the first case of a script waits for all of them.
SCRIPT_DEADLINE_SECONDS = 100

_CASE = re.compile(r'^test\(\s*("(?:[^"\\\n]|\\.)*"),(\s*\{ emulatorOnly: true \},)?', re.MULTILINE)
_REGISTRATION = re.compile(r"^test\(", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedDeployment:
    """Where a deployment listens, and the key it takes."""

    url: str
    admin_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCase:
    """One `test(…)` of a script; `emulator_only` marks what the oracle does not have, such as limits and keys."""

    script: str
    name: str
    emulator_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What became of a case; `error` is the stack of the exception that ended it."""

    name: str
    ok: bool
    error: str | None
    duration_ms: int


def scripts() -> list[str]:
    """The names of the scripts, without the module they share."""
    return sorted(path.name for path in FOLDER.glob("*.mjs") if path.name != "harness.mjs")


def cases(script: str) -> list[NodeCase]:
    """The cases of a script in its own order; a `test(` that cannot be read is an error, not a case less."""
    text = (FOLDER / script).read_text()
    found = [
        NodeCase(script=script, name=json.loads(match[1]), emulator_only=match[2] is not None)
        for match in _CASE.finditer(text)
    ]
    if len(found) != len(_REGISTRATION.findall(text)):
        raise ValueError(f'{script}: every case must start with test("its name", …')
    return found


def case_names(script: str) -> list[str]:
    """The names of the cases of a script."""
    return [case.name for case in cases(script)]


def run_script(script: str, deployment: ServedDeployment, names: Sequence[str]) -> dict[str, CaseResult]:
    """Run these cases against a deployment; a case without a line of its own has failed with what Node printed."""
    command = [str(node_binary()), str(FOLDER / script), *names]
    # Only what Node needs: settings of the machine, NODE_OPTIONS above all, must not reach into the cases.
    environment = {"PATH": os.environ.get("PATH", ""), "CONVEX_URL": deployment.url}
    environment["CONVEX_ADMIN_KEY"] = deployment.admin_key
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=SCRIPT_DEADLINE_SECONDS, check=False
        )
        printed, complaints, end = done.stdout, done.stderr, f"it ended with code {done.returncode}"
    except subprocess.TimeoutExpired as expired:
        printed, complaints = expired.stdout or b"", expired.stderr or b""
        end = f"it was still running after {SCRIPT_DEADLINE_SECONDS} s"
    results = {result.name: result for result in _results(printed.decode())}
    missing = f"{script} gave no result for this case: {end}\n{complaints.decode(errors='replace')[-4000:]}"
    return {name: results.get(name, CaseResult(name=name, ok=False, error=missing, duration_ms=0)) for name in names}


class ScriptRuns:
    """The results of all scripts against one deployment; a script runs when the first of its cases is asked for."""

    def __init__(self, run: Callable[[str], Mapping[str, CaseResult]]) -> None:
        self._run = run
        self._results: dict[str, Mapping[str, CaseResult]] = {}

    def result(self, case: NodeCase) -> CaseResult:
        """What became of this case."""
        if case.script not in self._results:
            self._results[case.script] = self._run(case.script)
        return self._results[case.script][case.name]


def _results(printed: str) -> list[CaseResult]:
    # A process that was killed may leave half a line.
    lines = [line for line in printed.splitlines(keepends=True) if line.endswith("\n")]
    rows = [json.loads(line) for line in lines]
    return [CaseResult(name=row["name"], ok=row["ok"], error=row["error"], duration_ms=row["ms"]) for row in rows]

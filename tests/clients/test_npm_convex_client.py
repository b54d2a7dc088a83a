"""npm `convex`'s live clients in Node against a served child process: one test per case of `live_client.mjs`.

One Node process runs all the cases; it may ask for the server to be stopped, and started again on the same port.
"""

import json
import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator.server.process import ServedProcess
from pytest_mastra_convex.node_project import node_binary

FUNCTIONS = "tests.clients.live_functions:FUNCTIONS"
ROUTER = "tests.clients.live_functions:ROUTER"
SCRIPT = Path(__file__).with_name("live_client.mjs")
CASES = re.findall(r'^live\("([^"\n]+)"', SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
# Below the time-out of a single test (pyproject.toml): the first case waits for all of them.
SCRIPT_SECONDS_MAX = 100

pytestmark = pytest.mark.xdist_group("npm convex client")

Results = dict[str, Any]


class LiveRun:
    """The script and its server, which has a new process after every restart."""

    def __init__(self) -> None:
        self._served = ServedProcess(functions=FUNCTIONS, http=ROUTER)
        self._port = int(self._served.url.rpartition(":")[2])
        self.results: Results = {}

    def _do(self, ask: str) -> None:
        if ask == "stop":
            self._served.stop()
        else:
            site_port = int(self._served.site_url.rpartition(":")[2])
            key = self._served.admin_key
            self._served = ServedProcess(
                functions=FUNCTIONS, http=ROUTER, port=self._port, admin_key=key, site_port=site_port
            )

    def run(self) -> str:
        """Runs the script to its end; gives what it complained of."""
        # Only what Node needs: settings of the machine, NODE_OPTIONS above all, must not reach into the cases.
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "CONVEX_URL": self._served.url,
            "CONVEX_SITE_URL": self._served.site_url,
            "CONVEX_ADMIN_KEY": self._served.admin_key,
            "CONVEX_USER_TOKEN": self._served.issue_token(subject="ada"),
        }
        command = [str(node_binary()), str(SCRIPT)]
        with (
            tempfile.TemporaryFile() as complaints,
            subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True
            ) as node,
        ):
            timer = threading.Timer(SCRIPT_SECONDS_MAX, node.kill)
            timer.start()
            try:
                self._converse(node)
            finally:
                timer.cancel()
            complaints.seek(0)
            return complaints.read().decode(errors="replace")

    def _converse(self, node: "subprocess.Popen[str]") -> None:
        assert node.stdin is not None
        assert node.stdout is not None
        for line in node.stdout:
            message = json.loads(line)
            if "ask" in message:
                self._do(message["ask"])
                node.stdin.write("done\n")
                node.stdin.flush()
            else:
                self.results[message["name"]] = message

    def stop(self) -> None:
        self._served.stop()


@pytest.fixture(scope="session")
def results(npm_project: Path) -> Results:
    live = LiveRun()
    try:
        complaints = live.run()
    finally:
        live.stop()
    missing = {"ok": False, "error": f"the script gave no result for this case:\n{complaints[-4000:]}"}
    return {name: live.results.get(name, missing) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_case_holds(results: Results, name: str) -> None:
    assert results[name]["ok"], results[name]["error"]


# A case whose name cannot be read from the script would be a case less, and nobody would notice.
def test_every_case_is_read() -> None:
    assert len(CASES) == len(re.findall(r"^live\(", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE))

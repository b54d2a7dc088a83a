"""Evaluates ``auth.config.js`` in a Node process of its own, with the environment variables of a deployment.

convex-backend crates/isolate/src/client.rs ``evaluate_auth_config``, crates/application/src/lib.rs
``get_evaluated_auth_config`` and ``reevaluate_existing_auth_config`` (checked 2026-11-21).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.runtime.auth_config import (
    MISSING_EXPORT,
    UNSERIALIZABLE,
    AuthConfigProblem,
    AuthInfo,
    read_auth_config,
)
from convex_mastra_emulator.runtime.node.bundle import AUTH_CONFIG, Bundle
from convex_mastra_emulator.runtime.node.bundle_cache import keep_evaluated, read_evaluated
from convex_mastra_emulator.runtime.node.pipes import WorkerEnded

WHEN_PUSHED = "The pushed auth config is invalid"
WHEN_CHANGED = "This change would make the auth config invalid"
_SCRIPT = Path(__file__).parent / "auth_config.mjs"
_PROBLEMS = {"missing": MISSING_EXPORT, "unserializable": UNSERIALIZABLE}
# A deployment ends it after a second (crates/common/src/knobs.rs ``DATABASE_UDF_USER_TIMEOUT``); here Node has to be
# started within it, on a machine that may be busy.
_SECONDS_MAX = 20.0
_TIMED_OUT = "Function execution timed out (maximum duration: 1s)"
# crates/isolate/src/execution_scope.rs; a deployment says so of every `await` outside of functions.
_AWAITS = "Top-level awaits in source files are unsupported"
_EXIT_OF_AWAITS = 13  # Node's, of a module that waits for what never comes
_UNCAUGHT = "Uncaught Error: "


class AuthConfigRefused(DeploymentError):
    """An auth config that a deployment does not take."""

    default_code = "InvalidAuthConfig"


class AuthEvaluation:
    """What becomes of one bundle's ``auth.config.js``, and which environment variables that hangs on.

    Args:
        node: the program.
        bundle: where it lies.
        state: of an earlier evaluation of the same.

    Attributes:
        state: of the last one that did not fail, as JSON: what came of it, and the variables it has read; empty before.
    """

    def __init__(self, node: Path, bundle: Bundle, state: Mapping[str, Any] = MappingProxyType({})) -> None:
        self._node = node
        self._bundle = bundle
        self.state: Mapping[str, Any] = dict(state)

    def providers(self, env: Mapping[str, str], *, explanation: str) -> tuple[AuthInfo, ...]:
        """The providers with these environment variables; none without an ``auth.config.js``.

        Args:
            env: the variables.
            explanation: what a refusal begins with.

        Raises:
            AuthConfigRefused: with the deployment's text.
        """
        if not self._bundle.auth_config:
            return ()
        # Clones ask side by side.
        state = self.state
        if not state or any(env.get(name) != value for name, value in state["read"].items()):
            told = self._evaluated(env)
            state = {"told": told, "read": {name: env.get(name) for name in told["reads"]}}
            if "failure" not in told:  # it may have been out of time
                self.state = state
        return _providers(state["told"], explanation)

    def _evaluated(self, env: Mapping[str, str]) -> Mapping[str, Any]:
        told = read_evaluated(self._bundle, env)
        if told is None:
            told = self._run(env)
            if "failure" not in told:  # it may have been out of time
                keep_evaluated(self._bundle, env, told)
        return told

    def _run(self, env: Mapping[str, str]) -> dict[str, Any]:
        path = self._bundle.folder / AUTH_CONFIG
        request = {"path": str(path), "root": f"{self._bundle.root}/", "env": dict(env)}
        try:
            ran = subprocess.run(
                [self._node, "--enable-source-maps", "--no-warnings", _SCRIPT],
                input=json.dumps(request).encode(),
                # Modules see no time zone but this one, as elsewhere.
                env={**os.environ, "TZ": "UTC"},
                capture_output=True,
                timeout=_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _failure(_TIMED_OUT)
        if ran.returncode == _EXIT_OF_AWAITS:
            return _failure(_AWAITS)
        if not ran.stdout:
            said = ran.stderr.decode(errors="replace").strip()
            raise WorkerEnded(f"Node ended with exit code {ran.returncode} while it read the auth config: {said}")
        told: dict[str, Any] = json.loads(ran.stdout)
        return told


def _failure(text: str) -> dict[str, Any]:
    return {"failure": {"message": text, "frames": []}, "reads": []}


def _providers(told: Mapping[str, Any], explanation: str) -> tuple[AuthInfo, ...]:
    if "failure" in told:
        raise _thrown(told["failure"], explanation)
    if "problem" in told:
        raise AuthConfigRefused(f"{explanation}: {_PROBLEMS[told['problem']]}")
    try:
        return read_auth_config(told["text"])
    except AuthConfigProblem as problem:
        raise AuthConfigRefused(f"{explanation}: {problem}") from None


def _thrown(failure: Mapping[str, Any], explanation: str) -> AuthConfigRefused:
    text = "\n".join([failure["message"], *failure["frames"]])
    if text.startswith(f"{_UNCAUGHT}Environment variable"):
        # `npx convex` looks for this code, and for the name in the text.
        return AuthConfigRefused(text.removeprefix(_UNCAUGHT), code="AuthConfigMissingEnvironmentVariable")
    return AuthConfigRefused(f"{explanation}: {text}")

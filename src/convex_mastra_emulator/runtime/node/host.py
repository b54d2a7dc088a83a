"""The TypeScript functions of one deployment: what they are, and the processes that run them.

A process is started when the first function of its kind is called, and runs the modules of the latest deploy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.context import MutationContext, QueryContext
from convex_mastra_emulator.runtime.functions import Function, FunctionKind
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.transaction_syscalls import TransactionSyscalls
from convex_mastra_emulator.runtime.node.worker import NodeWorker
from convex_mastra_emulator.schema.validator_json import validator_from_json
from convex_mastra_emulator.values.codec import decode, encode
from convex_mastra_emulator.values.json_text import parse_json, write_json
from convex_mastra_emulator.values.types import Value

_SCRIPTS = Path(__file__).parent
_KINDS = {"query": FunctionKind.QUERY, "mutation": FunctionKind.MUTATION, "action": FunctionKind.ACTION}


class TypeScriptHost:
    """Runs the functions of one bundle.

    Args:
        node: the program.
        bundle: what is run.
        env: the environment variables of functions, as they are at each call.
        limits: of the deployment.
        seed: gives each execution a seed for its random numbers.
    """

    def __init__(
        self, node: Path, bundle: Bundle, env: Mapping[str, str], limits: Limits, seed: Callable[[Any], int]
    ) -> None:
        self._node = node
        self._bundle = bundle
        self._env = env
        self._limits = limits
        self._seed = seed
        self._transactions: NodeWorker | None = None
        self._env_sent: dict[str, str] = {}

    def close(self) -> None:
        """Ends the processes."""
        if self._transactions is not None:
            self._transactions.close()

    # What there is

    def exports(self) -> list[dict[str, Any]]:
        """What the modules of the default runtime export, as ``modules.mjs`` tells it.

        Raises:
            FailureThrown: what a module threw when it was loaded.
        """
        worker, exports = self._start()
        self._transactions = worker
        return exports

    def _start(self) -> tuple[NodeWorker, list[dict[str, Any]]]:
        worker = NodeWorker(
            self._node, _SCRIPTS / "transactions.mjs", user_seconds_max=self._limits.user_code_ms_max / 1000
        )
        self._env_sent = dict(self._env)
        paths = [*self._bundle.isolate, *(["schema.js"] if self._bundle.schema else [])]
        try:
            exports = worker.load(
                {
                    "folder": str(self._bundle.folder),
                    "root": f"{self._bundle.root}/",
                    "paths": paths,
                    "env": self._env_sent,
                }
            )
        except BaseException:
            worker.close()
            raise
        return worker, exports

    def functions(self, exports: list[dict[str, Any]]) -> dict[str, Function]:
        """The functions of a deploy by their paths."""
        found = {}
        for module in exports:
            for exported in module["functions"]:
                name = f"{module['path'].removesuffix('.js')}:{exported['name']}"
                found[name] = self._function(module["path"], exported)
        return found

    def _function(self, module: str, exported: dict[str, Any]) -> Function:
        kind, name = exported["kind"], exported["name"]
        return Function(
            kind=_KINDS[kind],
            handler=lambda ctx, *args: self._run(ctx, kind, module, name, args),
            arguments=_validator(exported["args"]),
            returns=_validator(exported["returns"]),
            is_internal=exported["isInternal"],
        )

    # Running

    def _run(self, ctx: Any, kind: str, module: str, name: str, args: tuple[Value, ...]) -> Value:
        if kind == "action":
            raise EmulatorError("actions are not run yet")
        return self._run_in_transaction(ctx, kind, module, name, args)

    def _run_in_transaction(
        self, ctx: QueryContext | MutationContext, kind: str, module: str, name: str, args: tuple[Value, ...]
    ) -> Value:
        worker = self._worker()
        request = {"kind": kind, "module": module, "name": name, "nowMs": ctx.now(), "seed": self._seed(ctx)}
        answers = TransactionSyscalls(ctx, f"{module.removesuffix('.js')}:{name}")
        result = worker.invoke(request, write_json([encode(arg) for arg in args]), answers)
        return decode(parse_json(result), self._limits)

    def _worker(self) -> NodeWorker:
        worker = self._transactions
        if worker is None or worker.has_ended:
            if worker is not None:
                worker.close()
            worker = self._transactions = self._start()[0]
        if self._env_sent != self._env:
            self._env_sent = dict(self._env)
            worker.set_environment(self._env_sent)
        return worker


def _validator(text: str | None) -> Any:
    if text is None:
        return None
    read = json.loads(text)
    return None if read is None else validator_from_json(read)

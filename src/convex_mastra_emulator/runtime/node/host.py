"""The TypeScript functions of one deployment: what they are, and the processes that run them.

A process is started when the first function of its kind is called, and runs the modules of the latest deploy.
"""

from __future__ import annotations

import base64
import json
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.context import ActionContext, MutationContext, QueryContext
from convex_mastra_emulator.runtime.failures import Failure, FailureThrown
from convex_mastra_emulator.runtime.functions import Function, FunctionKind
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.node.action_syscalls import ActionSyscalls, NothingAnswered
from convex_mastra_emulator.runtime.node.action_worker import ActionWorker
from convex_mastra_emulator.runtime.node.auth_evaluation import AuthEvaluation
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.bundle_cache import keep_exports, read_exports
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule, modules_of
from convex_mastra_emulator.runtime.node.saved_deploy import SavedDeploy, save_deploy
from convex_mastra_emulator.runtime.node.transaction_syscalls import TransactionSyscalls
from convex_mastra_emulator.runtime.node.worker import TransactionWorker
from convex_mastra_emulator.schema.validator_json import validator_from_json
from convex_mastra_emulator.schema.validators import Validator
from convex_mastra_emulator.values.codec import decode, encode
from convex_mastra_emulator.values.display import human_size
from convex_mastra_emulator.values.json_text import parse_v8_json, write_json
from convex_mastra_emulator.values.types import Value

_SCRIPTS = Path(__file__).parent
_HTTP = "http.js"
Runtime = Literal["transactions", "isolate", "node"]
"""Queries and mutations; actions in the default runtime; those with "use node"."""
_KINDS = {"query": FunctionKind.QUERY, "mutation": FunctionKind.MUTATION, "action": FunctionKind.ACTION}


class TypeScriptHost:
    """Runs the functions of one bundle.

    Args:
        node: the program.
        bundle: what is run.
        limits: of the deployment.
        clock: tells the time of the deploy; functions see that of the emulator that calls them.
        is_strict: whether validators are refused that Mastra publishes and no deployment takes.
        saved: what a file of data tells of the bundle.
    """

    def __init__(
        self,
        node: Path,
        bundle: Bundle,
        limits: Limits,
        clock: Clock,
        *,
        is_strict: bool,
        saved: SavedDeploy | None = None,
    ) -> None:
        self._node = node
        self._bundle = bundle
        self._is_strict = is_strict
        self._limits = limits
        self._clock = clock
        self._saved = saved
        self._loaded: tuple[list[dict[str, Any]], Mapping[str, str]] = ([], {})
        self._lock = threading.Lock()
        self.auth_config = AuthEvaluation(node, bundle, {} if saved is None else saved.auth_config)
        """What comes of its ``auth.config.ts``."""
        self._workers: dict[Runtime, _Running] = {}

    def close(self) -> None:
        """Ends the processes."""
        with self._lock:
            for running in self._workers.values():
                running.worker.close()
            self._workers.clear()

    # What there is

    @property
    def bundle(self) -> Bundle:
        """What is run."""
        return self._bundle

    @property
    def processes(self) -> int:
        """How many run now."""
        return len(self._workers)

    def modules(self) -> list[PushedModule]:
        """The modules, as a push would bring them."""
        return list(modules_of(self._bundle))

    def module_hashes(self) -> dict[str, str]:
        """What each module is, by its path; two that are equal have equal hashes."""
        return {module.path: module.sha256 for module in self.modules()}

    def exports(self, env: Mapping[str, str]) -> list[dict[str, Any]]:
        """What all modules export, as ``modules.mjs`` tells it, loaded with these environment variables.

        Raises:
            ModuleNotLoaded: when a module threw.
        """
        exports = None if self._saved is None else self._saved.exports_with(env)
        if exports is None:
            exports = read_exports(self._bundle, env)
        if exports is None:
            exports = self._running("transactions", env).exports
            if self._bundle.node:
                exports = exports + self._running("node", env).exports
            keep_exports(self._bundle, env, exports)
        self._loaded = exports, dict(env)
        return exports

    @cached_property
    def saved_text(self) -> str:
        """All of it, for a file of data; :meth:`exports` was called before."""
        return save_deploy(self._bundle, *self._loaded, self.auth_config.state, is_strict=self._is_strict)

    def functions(self, exports: list[dict[str, Any]]) -> dict[str, Function]:
        """The functions of a deploy by their paths."""
        return {
            f"{module['path'].removesuffix('.js')}:{exported['name']}": self._function(module["path"], exported)
            for module in exports
            for exported in module["functions"]
        }

    def _function(self, module: str, exported: dict[str, Any]) -> Function:
        kind, name = exported["kind"], exported["name"]
        run = self._run_action if kind == "action" else self._run_in_transaction
        return Function(
            kind=_KINDS[kind],
            handler=lambda ctx, *args: run(ctx, {"kind": kind, "module": module, "name": name}, args),
            arguments=self._validator(f"{module}:{name}", exported["args"]),
            returns=self._validator(f"{module}:{name}", exported["returns"]),
            is_internal=exported["isInternal"],
            is_deployed=True,
            environment="node" if module in self._bundle.node else "isolate",
        )

    def _validator(self, function: str, text: str | None) -> Validator | None:
        read = None if text is None else json.loads(text)
        if read is None:
            return None
        try:
            return validator_from_json(read)
        except SchemaDefinitionError as error:
            # `@mastra/convex` 1.5.2 publishes such a one: a field named `$or` (design.md §6.9).
            if self._is_strict or "Invalid first character '$'" not in str(error):
                raise
            warnings.warn(f"{function}: a deployment refuses this validator: {error}", stacklevel=2)
            return validator_from_json(read, takes_dollar=True)

    # Running

    def _run_in_transaction(
        self, ctx: QueryContext | MutationContext, request: dict[str, Any], args: tuple[Value, ...]
    ) -> Value:
        answers = TransactionSyscalls(ctx, _name_of(request))
        request = {**request, **self._surroundings(ctx)}
        env = ctx.process_env()
        running = self._running("transactions", env)
        for name in running.reads:
            answers.read_variable(name)
        worker = running.worker
        assert isinstance(worker, TransactionWorker)
        return self._read(answers.with_commit_time(worker.invoke(request, _written(args), answers, env)))

    def _run_action(self, ctx: ActionContext, request: dict[str, Any], args: tuple[Value, ...]) -> Value:
        arguments = _written(args)
        if request["module"] in self._bundle.node:
            self._check_size(arguments)
        answers = ActionSyscalls(ctx, _name_of(request), self._limits)
        return self._read(self._invoke_action(ctx, request, arguments, answers))

    def _check_size(self, arguments: str) -> None:
        limit = self._limits.node_arguments_size_max
        if len(arguments.encode()) > limit:
            # crates/node_executor/src/executor.rs
            text = (
                f"Node actions arguments size is too large. The maximum size is {human_size(limit)}. Reduce the size "
                "of the arguments or consider using Convex runtime actions instead, which have a "
                f"{human_size(self._limits.arguments_size_max)} limit. See https://docs.convex.dev/functions/runtimes"
            )
            raise FailureThrown(Failure(message=text))

    def find_route(self, path: str, method: str, env: Mapping[str, str]) -> tuple[str, str] | None:
        """Method and path of what answers a request, as the router of ``http.ts`` tells it; None if nothing does.

        Raises:
            FailureThrown: when the router throws.
        """
        asked: dict[str, Any] = {
            "kind": "route",
            "module": _HTTP,
            "name": "default",
            "isClockRunning": False,
            "seed": 0,
        }
        asked["nowMs"] = self._clock.now_ns() // 1_000_000
        worker = self._running("isolate", env).worker
        assert isinstance(worker, ActionWorker)
        found = json.loads(worker.invoke(asked, json.dumps([path, method]), NothingAnswered(), env))
        return None if found is None else (found[0], found[1])

    def run_http(self, ctx: ActionContext, path: str, request: HttpActionRequest) -> HttpActionResponse:
        """Runs the HTTP action of ``http.ts`` that answers a path."""
        answers = ActionSyscalls(ctx, "http:default", self._limits)
        invoked = {"kind": "http", "module": _HTTP, "name": "default", "path": path}
        sent = {
            "url": request.url,
            "method": request.method,
            "headerPairs": [list(pair) for pair in request.headers.pairs],
            "body": base64.b64encode(request.body).decode("ascii"),
        }
        told = json.loads(self._invoke_action(ctx, invoked, json.dumps(sent), answers))
        return HttpActionResponse(
            base64.b64decode(told["body"]), told["status"], [tuple(pair) for pair in told["headerPairs"]]
        )

    def _read(self, text: str) -> Value:
        return decode(parse_v8_json(text), self._limits)

    def _invoke_action(self, ctx: ActionContext, request: dict[str, Any], args: str, answers: ActionSyscalls) -> str:
        env = ctx.process_env()
        worker = self._running("node" if request["module"] in self._bundle.node else "isolate", env).worker
        assert isinstance(worker, ActionWorker)
        return worker.invoke({**request, **self._surroundings(ctx)}, args, answers, env)

    @staticmethod
    def _surroundings(ctx: QueryContext | MutationContext | ActionContext) -> dict[str, Any]:
        """Time and chance of a function."""
        return {"nowMs": ctx.now(), "isClockRunning": ctx.is_clock_running, "seed": ctx.random.getrandbits(64)}

    # Processes

    def _running(self, runtime: Runtime, env: Mapping[str, str]) -> _Running:
        with self._lock:
            running = self._workers.get(runtime)
            if running is not None and running.worker.has_ended:
                running.worker.close()
                running = None
            if running is not None and not running.has_seen(env):
                # What modules keep of their environment is made anew, as with every call on a deployment.
                running.worker.retire()
                running = None
            if running is None:
                running = self._workers[runtime] = self._start(runtime, env)
            return running

    def _start(self, runtime: Runtime, env: Mapping[str, str]) -> _Running:
        modules = list(self._bundle.node if runtime == "node" else self._bundle.isolate)
        if runtime == "transactions" and self._bundle.schema:
            modules.append("schema.js")
        request = {
            "folder": str(self._bundle.folder),
            "root": f"{self._bundle.root}/",
            "paths": modules,
            "env": dict(env),
            # What modules see when they are loaded: the time of the deploy, and always the same numbers.
            "nowMs": self._clock.now_ns() // 1_000_000,
            "seed": 0,
            "kind": "query",
        }
        worker = self._new_worker(runtime)
        try:
            return _Running(worker, worker.load(request), env)
        except BaseException:
            worker.close()
            raise

    def _new_worker(self, runtime: Runtime) -> TransactionWorker | ActionWorker:
        if runtime == "transactions":
            seconds = self._limits.user_code_ms_max / 1000
            return TransactionWorker(self._node, _SCRIPTS / "transactions.mjs", user_seconds_max=seconds)
        limit = self._limits.node_action_ms_max if runtime == "node" else self._limits.action_ms_max
        return ActionWorker(self._node, _SCRIPTS / "actions.mjs", runtime, seconds_max=limit / 1000)


@dataclass(slots=True)
class _Running:
    """A process, what its modules export, and the environment they were loaded with."""

    worker: TransactionWorker | ActionWorker
    exports: list[dict[str, Any]]
    env: Mapping[str, str]

    @property
    def reads(self) -> frozenset[str]:
        """The variables of the environment that modules looked up when they were loaded."""
        return frozenset(name for module in self.exports for name in module["reads"])

    def has_seen(self, env: Mapping[str, str]) -> bool:
        """Whether modules have looked up nothing that is another in this environment."""
        return env == self.env or all(self.env.get(name) == env.get(name) for name in self.reads)


def _name_of(request: Mapping[str, Any]) -> str:
    return f"{request['module'].removesuffix('.js')}:{request['name']}"


def _written(args: tuple[Value, ...]) -> str:
    return write_json([encode(arg) for arg in args])

"""The target ``live``: a real, throw-away deployment that other tests and people use at the same time.

A real deployment is production until proven otherwise: it has to say that it is for tests, tests make and delete only
what begins with a prefix of theirs (:mod:`~pytest_mastra_convex.isolation`), and a run makes a limited number of calls.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Self

from convex_mastra_emulator import ConnectedDeployment, ConvexError, Deployment, EmulatorError, connect
from convex_mastra_emulator.connection import DeadlineExceeded
from convex_mastra_emulator.errors import DeploymentUnreachable, RequestRefused
from pytest_mastra_convex.exclusive import exclusive
from pytest_mastra_convex.isolation import IsolatedDeployment

if TYPE_CHECKING:
    from pytest_mastra_convex.options import Settings
    from pytest_mastra_convex.recording import Recording
    from pytest_mastra_convex.targets import Place, Setup

ABOUT = "conformance/probe:about"
# What `npx convex env get` asks (npm convex 1.48.0 src/cli/lib/env.ts, checked 2026-11-21).
_VARIABLE = "_system/cli/queryEnvironmentVariables:get"
_CLEAR = "conformance/probe:clear"
_CONFORMANCE = "conformance/"
# Each clears up to 2,000 documents.
_CLEARINGS_MAX = 1000

_VARIABLES = (("CONVEX_URL", "CONVEX_ADMIN_KEY"), ("CONVEX_TEST_URL", "CONVEX_TEST_ADMIN_KEY"))
_SITE_VARIABLE = "CONVEX_SITE_URL"
_CLOUD, _CLOUD_SITE = ".convex.cloud", ".convex.site"
_HOW_TO_DEPLOY = (
    "`python -m pytest_mastra_convex.deployable FOLDER` writes a project with them; deploy it with `npm ci` and "
    "`npx convex deploy` in that folder, then `npx convex env set IS_TEST 1`. Do that with a deployment that you can "
    "throw away, and no other."
)

Report = Callable[[str], None]
Kind = Literal["query", "mutation", "action"]


class LiveTargetRefused(Exception):
    """No test runs on this deployment; the text says why, and what to do."""


class TooManyCalls(Exception):
    """A run asked a real deployment for more than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """Where the deployment is; the key shows in no text.

    Attributes:
        url: of the deployment.
        admin_key: its admin or deploy key.
        site_url: where its HTTP actions answer; None if nobody said so, and the address does not tell.
    """

    url: str
    admin_key: str = field(repr=False)
    site_url: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The first complete pair of variables; halves of two pairs are never put together.

        Raises:
            LiveTargetRefused: saying what to set.
        """
        __tracebackhide__ = True  # pytest --showlocals would print the key
        for url_name, key_name in _VARIABLES:
            url, key = environ.get(url_name, "").strip(), environ.get(key_name, "").strip()
            if url and key:
                if not url.startswith(("http://", "https://")):
                    raise LiveTargetRefused(f"{url_name} must begin with http:// or https://, it is {url!r}")
                site_url = environ.get(_SITE_VARIABLE, "").strip() or _site_of(url)
                return cls(url=url.rstrip("/"), admin_key=key, site_url=site_url and site_url.rstrip("/"))
        raise LiveTargetRefused(_what_is_missing(environ))


def _site_of(url: str) -> str | None:
    """Where HTTP actions of Convex' cloud answer (Convex docs, "HTTP Actions")."""
    return url.replace(_CLOUD, _CLOUD_SITE) if url.rstrip("/").endswith(_CLOUD) else None


def _what_is_missing(environ: Mapping[str, str]) -> str:
    halves = [(given, missing) for pair in _VARIABLES for given, missing in (pair, pair[::-1]) if environ.get(given)]
    problem = "{} is set, {} is not".format(*halves[0]) if halves else "neither address nor key is set"
    (url, key), (test_url, test_key) = _VARIABLES
    return (
        f"the target `live` needs the address and the admin key of a deployment for tests: {problem}. Set {url} and "
        f"{key}, or {test_url} and {test_key}, in the environment; keys are read from nowhere else."
    )


def check_is_for_tests(deployment: Deployment) -> None:
    """Asks a deployment whether it is for tests.

    One of a user's own functions only, without the conformance suite's, is asked for the variable itself.

    Raises:
        LiveTargetRefused: unless it says so.
    """
    try:
        about = deployment.query(ABOUT, {})
    except (DeploymentUnreachable, DeadlineExceeded) as error:
        raise LiveTargetRefused(f"the deployment cannot be reached: {error}") from None
    except RequestRefused as error:
        raise LiveTargetRefused(f"the deployment refuses address or key: {error.code}: {error}") from None
    except (EmulatorError, ConvexError) as error:
        if "Could not find" in str(error):
            if _is_test(deployment):
                return
            raise LiveTargetRefused(
                f"the deployment lacks the conformance functions. {_HOW_TO_DEPLOY} Tests of your own functions need "
                "only the last of these."
            ) from None
        raise LiveTargetRefused(f"the deployment's {ABOUT} fails: {error}\n{_HOW_TO_DEPLOY}") from None
    if not isinstance(about, Mapping) or about.get("isTest") is not True:
        raise LiveTargetRefused(
            "the deployment does not say that it is for tests: IS_TEST is not set there. Tests write to it and delete "
            "from it; if it is one you can throw away, say so with `npx convex env set IS_TEST 1`."
        )


def _is_test(deployment: Deployment) -> bool:
    try:
        variable = deployment.query(_VARIABLE, {"name": "IS_TEST"})
    except (EmulatorError, ConvexError):
        return False
    return isinstance(variable, Mapping) and variable.get("value") == "1"


class CappedDeployment:
    """Counts the calls of a run and refuses those that are too many.

    Args:
        inner: what answers.
        calls_max: how many calls are let through.

    Attributes:
        inner: as given; its calls are not counted.
        calls: how many were made.
    """

    def __init__(self, inner: Deployment, calls_max: int) -> None:
        self.inner = inner
        self.calls = 0
        self._calls_max = calls_max
        self._lock = threading.Lock()

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value.

        Raises:
            TooManyCalls: instead of the call after the last one.
        """
        self._count()
        return self.inner.query(path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value; raises what :meth:`query` does."""
        self._count()
        return self.inner.mutation(path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value; raises what :meth:`query` does."""
        self._count()
        return self.inner.action(path, args)

    def _count(self) -> None:
        with self._lock:
            if self.calls >= self._calls_max:
                raise TooManyCalls(
                    f"this run has made its {self._calls_max:,} calls to a real deployment; more are allowed with "
                    "--convex-calls-max"
                )
            self.calls += 1


def prefix_for(nodeid: str, worker: str, run_id: str) -> str:
    """What begins every name that a test makes: ``t7f3a9c2b10-gw0-``.

    Letters, digits and ``-`` are legal in ids, cache keys, and names of indexes, which the stores do not check and
    fallback tables have for a part of a text.

    Args:
        nodeid: the test's.
        worker: of pytest-xdist, or another name for the process.
        run_id: random, so that no other run has the same.
    """
    digest = hashlib.sha256("\0".join((run_id, worker, nodeid)).encode()).hexdigest()
    return f"t{digest[:10]}-{re.sub(r'[^A-Za-z0-9]', '', worker) or 'main'}-"


class _ConformanceGate:
    """Lets one test at a time use the conformance tables, which have no prefixes: empties them before and after."""

    def __init__(self, capped: CappedDeployment, lock: Callable[[], None]) -> None:
        self._capped = capped
        self._lock = lock
        self.is_open = False

    def query(self, path: str, args: Any = None) -> Any:
        return self._call("query", path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        return self._call("mutation", path, args)

    def action(self, path: str, args: Any = None) -> Any:
        return self._call("action", path, args)

    def clear(self) -> None:
        for _ in range(_CLEARINGS_MAX):
            if not self._capped.inner.mutation(_CLEAR, {}):
                return

    def _call(self, kind: Kind, path: str, args: Any) -> Any:
        if not self.is_open and path.startswith(_CONFORMANCE) and path != ABOUT:
            self._lock()
            self.is_open = True
            self.clear()
        return getattr(self._capped, kind)(path, args)


@contextmanager
def live_place(
    capped: CappedDeployment, *, url: str, prefix: str, report: Report, recording: Recording | None = None
) -> Iterator[IsolatedDeployment]:
    """A test's part of a real deployment, which is cleaned up also when the test failed or may make no more calls.

    Args:
        capped: the deployment, checked.
        url: its address.
        prefix: the test's.
        report: is told what takes long.
        recording: takes what goes over the wire.

    Raises:
        ExceptionGroup: at the end, of what could not be deleted.
    """
    with ExitStack() as stack:
        gate = _ConformanceGate(capped, lambda: stack.enter_context(exclusive(url, report)))
        inner: Deployment = gate
        if recording is not None:
            from pytest_mastra_convex.recording import RecordingDeployment

            inner = RecordingDeployment(gate, recording)
        isolated = IsolatedDeployment(inner, prefix)
        try:
            yield isolated
        finally:
            try:
                if gate.is_open:
                    gate.clear()
            finally:
                isolated.clean_up(through=capped.inner)


class LiveTarget:
    """A real deployment by URL and key, from the environment; checked when a test first needs it.

    Args:
        settings: the run's.
        report: is told what takes long.
        environ: the environment.
    """

    name = "live"
    can_change = False
    has_sockets = True

    def __init__(self, settings: Settings, report: Report, environ: Mapping[str, str] = os.environ) -> None:
        __tracebackhide__ = True
        self._settings = settings
        self._report = report
        self._worker = environ.get("PYTEST_XDIST_WORKER", "main")
        # Every worker counts by itself, so each may make its share.
        self._calls_max = settings.calls_max // int(environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        self._environ = environ
        self._run_id = secrets.token_hex(8)
        self._numbers = count()
        self._opened: tuple[LiveSettings, ConnectedDeployment, CappedDeployment] | None = None

    @contextmanager
    def place(self, setup: Setup) -> Iterator[Place]:
        """A part of the deployment that is the test's alone."""
        from pytest_mastra_convex.call_log import LoggedDeployment
        from pytest_mastra_convex.targets import Address, Place

        __tracebackhide__ = True
        live, _, capped = self._opened or self._open()
        prefix = prefix_for(f"{setup.test}#{next(self._numbers)}", self._worker, self._run_id)
        recording = self._recording(setup.test, live, prefix)
        with live_place(capped, url=live.url, prefix=prefix, report=self._report, recording=recording) as isolated:
            for load in setup.loads:
                load(isolated)
            deployment = LoggedDeployment(isolated)
            yield Place(
                target=self.name,
                deployment=deployment,
                journal=deployment.journal,
                address=lambda: Address(live.url, live.admin_key, live.site_url),
                prefix=prefix,
                recording=recording,
            )

    def _recording(self, test: str, live: LiveSettings, prefix: str) -> Recording | None:
        if self._settings.record is None:
            return None
        from pytest_mastra_convex.recording import Recording
        from pytest_mastra_convex.versions import versions

        kept_out = {"prefix": prefix, "admin_key": live.admin_key, "url": live.url}
        return Recording(test=test, target=self.name, versions=versions(), secrets=kept_out)

    def describe(self) -> str:
        """For the report's header."""
        return "live (a real deployment, from the environment)"

    def close(self) -> None:
        """Closes the connection."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _open(self) -> tuple[LiveSettings, ConnectedDeployment, CappedDeployment]:
        __tracebackhide__ = True
        live = LiveSettings.from_environment(self._environ)
        connected = connect(live.url, live.admin_key, timeout_seconds=self._settings.deadline_seconds)
        capped = CappedDeployment(connected, self._calls_max)
        try:
            check_is_for_tests(capped)
        except LiveTargetRefused:
            connected.close()
            raise
        self._opened = live, connected, capped
        return self._opened

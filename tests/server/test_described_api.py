"""A served emulator under requests made from its own description: many that are right, many that are nearly so.

What is asked of every answer: it comes in time, has a status, a type and a body that are described, and shows nothing
of what went on inside.  EXAMPLES makes it longer (`make fuzz`), SEED another.
"""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from convex_mastra_emulator import Emulator, action, internal_query, mutation, query
from convex_mastra_emulator.protocol.openapi import ROUTES
from convex_mastra_emulator.protocol.openapi_data import DATA_ROUTES
from convex_mastra_emulator.protocol.openapi_push import PUSH_ROUTES
from convex_mastra_emulator.protocol.route_description import RouteDescription
from convex_mastra_emulator.server import ServedEmulator, serve
from convex_mastra_emulator.server.patience import Patience
from pytest_mastra_convex.probe import FUNCTIONS

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
SEED = int(os.environ.get("SEED", "1"))
ANSWER_SECONDS_MAX = 10
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
PATHS = ["echo:any", "echo:write", "echo:act", "echo:inside", "mastra/storage:handle", "mastra/cache:handle"]
PATHS += sorted(FUNCTIONS)


@pytest.fixture(scope="module")
def served() -> Iterator[ServedEmulator]:
    load_all_checks()
    with Emulator(seed=1) as emulator:
        emulator.define("echo:any", query(lambda ctx, args: args))
        emulator.define("echo:write", mutation(lambda ctx, args: str(ctx.db.insert("notes", {"args": args}))))
        emulator.define("echo:act", action(lambda ctx, args: args))
        emulator.define("echo:inside", internal_query(lambda ctx, args: args))
        for path, function in FUNCTIONS.items():
            emulator.define(path, function)
        with serve(emulator, patience=Patience(poll_seconds=0.05)) as served:
            headers = {"Authorization": f"Convex {served.admin_key}"}
            requests.post(f"{served.url}/_emulator/mark", headers=headers, timeout=ANSWER_SECONDS_MAX)
            yield served


def aimed(case: Any, path: str | None, timestamp: str, admin_key: str | None) -> Any:
    """The case, at a function and a time that are there, or with a key that is good: by chance it would have none."""
    if path is not None:
        module, _, function = path.partition(":")
        if isinstance(case.body, dict):
            aims = {"path": path, "ts": timestamp}
            case.body.update({name: aim for name, aim in aims.items() if name in case.body})
        if case.path_parameters:
            case.path_parameters.update(module=module, function=function)
        if case.query and "path" in case.query:
            case.query.update(path=path, args="{}", format="json")
    if admin_key is not None and isinstance(case.body, dict) and "adminKey" in case.body:
        case.body["adminKey"] = admin_key
    if admin_key is not None:
        case.headers["Authorization"] = f"Convex {admin_key}"
        case.headers.pop("Convex-Client", None)
    return case


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_answers_are_as_described(served: ServedEmulator, route: RouteDescription) -> None:
    described = schemathesis.openapi.from_url(f"{served.url}/_emulator/openapi.json")
    operation = described[route.path][route.method]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    seen: set[int] = set()
    timestamp = requests.post(f"{served.url}/api/query_ts", timeout=ANSWER_SECONDS_MAX).json()["ts"]

    @settings(
        max_examples=EXAMPLES,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @hypothesis.seed(SEED)
    @given(cases, st.none() | st.sampled_from(PATHS), st.sampled_from([None, served.admin_key]))
    def ask(case: Any, path: str | None, admin_key: str | None) -> None:
        response = aimed(case, path, timestamp, admin_key).call(base_url=served.url, timeout=ANSWER_SECONDS_MAX)
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)
        assert b"Traceback" not in response.content
        assert served.admin_key.encode() not in response.content

    ask()

    # Imports, exports, files and pushes that are there are more than chance finds.
    assert route.status in seen or route in (*DATA_ROUTES, *PUSH_ROUTES), "nothing was asked that is right"

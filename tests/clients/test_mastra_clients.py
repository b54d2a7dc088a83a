"""npm `@mastra/convex` and npm `convex` against the served emulator: one test per case of the Node scripts.

A script is one Node process for all of its cases, started when the first of them is reached; under pytest-xdist
(`--dist loadgroup`) the cases of a script stay together on one worker.
"""

import pytest

from tests.clients.node_cases import NodeCase, ScriptRuns, ServedDeployment, case_names, cases, run_script, scripts


def parameters() -> list[object]:
    return [
        pytest.param(case, id=f"{script.removesuffix('.mjs')}: {case.name}", marks=pytest.mark.xdist_group(script))
        for script in scripts()
        for case in cases(script)
    ]


@pytest.fixture(scope="session")
def runs(served: ServedDeployment) -> ScriptRuns:
    return ScriptRuns(lambda script: run_script(script, served, case_names(script)))


@pytest.mark.parametrize("case", parameters())
def test_case_holds_on_the_emulator(case: NodeCase, runs: ScriptRuns) -> None:
    result = runs.result(case)

    assert result.ok, result.error

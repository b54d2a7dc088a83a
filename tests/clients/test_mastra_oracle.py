"""The same cases against the oracle: evidence that what they demand is what the published functions do.

A case that holds on the emulator and fails here demands something of our own making.  Left out are the cases about what
convex-test does not have: a deployment's limits, its keys, its paths and its texts.
"""

import pytest

from pytest_mastra_convex.node_project import Oracle
from tests.clients.node_cases import (
    CaseResult,
    NodeCase,
    ScriptRuns,
    ServedDeployment,
    cases,
    run_script,
    scripts,
)


def oracle_cases(script: str) -> list[NodeCase]:
    return [case for case in cases(script) if not case.emulator_only]


def parameters() -> list[object]:
    return [
        pytest.param(
            case, id=f"{script.removesuffix('.mjs')}: {case.name}", marks=pytest.mark.xdist_group(f"oracle {script}")
        )
        for script in scripts()
        for case in oracle_cases(script)
    ]


@pytest.fixture(scope="session")
def runs(oracle: Oracle) -> ScriptRuns:
    def run(script: str) -> dict[str, CaseResult]:
        # An empty deployment in real time, whatever an earlier test made of it: convex-test slows down as it fills.
        oracle.reset(now=None)
        deployment = ServedDeployment(url=oracle.url, admin_key="any")
        return run_script(script, deployment, [case.name for case in oracle_cases(script)])

    return ScriptRuns(run)


@pytest.mark.parametrize("case", parameters())
def test_case_holds_on_the_oracle(case: NodeCase, runs: ScriptRuns) -> None:
    result = runs.result(case)

    assert result.ok, result.error

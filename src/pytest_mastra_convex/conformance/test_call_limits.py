"""How much a function can be given and can return: 16 MiB each way, from both sides.

convex-backend crates/common/src/knobs.rs; sizes by crates/value/src/size.rs.
"""

from __future__ import annotations

import json

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.probe import Probe, insert, query, repeat

THINGS = "conformance_things"

MIB = 1_048_576
# 16 MiB less the list of arguments (2), the object (2), its field `program` (8) and 2 bytes of the text.
LONGEST_ARGUMENT = 16 * MIB - 14
# 16 MiB less 2 bytes of the text.
LONGEST_RESULT = 16 * MIB - 2


def empty_program(length: int) -> str:
    """A program of so many characters that does nothing."""
    return "[" + " " * (length - 2) + "]"


def program_with_answer(probe: Probe, length: int) -> str:
    """A program whose answer is text of that length, far longer than what it reads."""
    frame = len('[{"value":[{"a":""},{"a":""},{"a":""}]}]')
    # JSON writes a control character as six.
    escaped, plain = divmod(length - frame - 2 * 6_000_000, 6)
    for text in (repeat("\x01", 1_000_000), repeat("\x01", 1_000_000)):
        probe.insert(THINGS, {"a": text})
    probe.insert(THINGS, {"a": "\x01" * escaped + "x" * plain})
    return json.dumps([query(THINGS, select=["a"])])


# A conversation with files in it, sent as one argument: 16 MiB arrive.
def test_arguments_of_16_mib_arrive(convex_deployment: Deployment) -> None:
    answer = convex_deployment.query("conformance/probe:query", {"program": empty_program(LONGEST_ARGUMENT)})

    assert answer == "[]"


# The other side: one byte more is refused by name before the function runs.
@pytest.mark.diverges("limits-of-calls")
def test_arguments_of_more_than_16_mib_are_refused(convex_deployment: Deployment) -> None:
    text = r"Arguments for conformance/probe\.js:query are too large \(actual: 16\.00 MiB, limit: 16 MiB\)"

    with pytest.raises(FunctionError, match=text):
        convex_deployment.query("conformance/probe:query", {"program": empty_program(LONGEST_ARGUMENT + 1)})


# A whole table read at once (mastra-ai/mastra#12792): 16 MiB of answer are returned.
def test_a_result_of_16_mib_is_returned(convex_deployment: Deployment, probe: Probe) -> None:
    program = program_with_answer(probe, LONGEST_RESULT)

    answer = convex_deployment.query("conformance/probe:query", {"program": program})

    assert len(answer) == LONGEST_RESULT


# The other side: the function has run, but its answer is lost.
@pytest.mark.diverges("limits-of-calls")
def test_a_result_of_more_than_16_mib_is_refused(convex_deployment: Deployment, probe: Probe) -> None:
    program = program_with_answer(probe, LONGEST_RESULT + 1)
    text = r"Function conformance/probe\.js:query return value is too large \(actual: 16\.00 MiB, limit: 16 MiB\)"

    with pytest.raises(FunctionError, match=text):
        convex_deployment.query("conformance/probe:query", {"program": program})


# A mutation whose answer is too large fails as a whole: what it wrote is gone with the answer.
@pytest.mark.diverges("limits-of-calls")
def test_a_mutation_with_too_large_a_result_writes_nothing(convex_deployment: Deployment, probe: Probe) -> None:
    steps = json.loads(program_with_answer(probe, LONGEST_RESULT + 1))

    with pytest.raises(FunctionError, match="return value is too large"):
        convex_deployment.mutation("conformance/probe:mutation", {"program": json.dumps([*steps, insert(THINGS, {})])})

    assert probe.count(THINGS) == 3

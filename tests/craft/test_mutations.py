"""The table of the mutation run is up to date, and a run tells caught faults from others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.craft.mutation_run import SUITE, Verdict, copy_tree, examine, imported_from, summary
from tests.craft.mutations.fault import PROJECT, Fault, StaleFault
from tests.craft.mutations.table import FAULTS

SUBJECTS = {path.stem.removeprefix("test_") for path in (PROJECT / SUITE).glob("test_*.py")}
# Noticed by a short module: the whole suite would take longer than all other tests of the craft.
SAMPLE = "true sorts before false"


def sample(**changes: Any) -> Fault:
    fault = next(fault for fault in FAULTS if fault.name == SAMPLE)
    return replace(fault, **changes)


# A fault whose text is gone proves nothing, and nobody would notice until the next whole run.
@pytest.mark.parametrize("module", sorted({fault.module for fault in FAULTS}))
def test_each_fault_replaces_a_text_that_stands_there_once(module: str) -> None:
    faults = [fault for fault in FAULTS if fault.module == module]
    text = faults[0].source(PROJECT).read_text(encoding="utf-8")

    for fault in faults:
        changed = fault.applied_to(text)
        if fault.module.endswith(".py"):
            compile(changed, fault.module, "exec")


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []


def test_each_fault_says_whom_it_hurts() -> None:
    assert [fault.name for fault in FAULTS if not fault.hurts] == []


def test_modules_to_run_first_exist() -> None:
    assert {module for fault in FAULTS for module in fault.first} - SUBJECTS == set()


# The numbers the run is to keep: at least forty faults, and of those all but one in twenty are caught.
def test_there_are_enough_faults_and_few_survivors() -> None:
    survivors = [fault for fault in FAULTS if fault.survives]

    assert len(FAULTS) >= 50
    assert len(survivors) <= 2


# The project is installed as a link to the tree: without care the run would test the tree and never see a fault.
def test_the_copy_is_what_is_imported(tmp_path: Path) -> None:
    root = copy_tree(tmp_path)

    assert all(path.is_relative_to(root) for path in imported_from(root))


def test_a_fault_is_caught() -> None:
    verdict = examine(sample())

    assert verdict.outcome == "caught"
    assert verdict.detail.startswith("test_order.py::test_")


# A fault after which nothing can be imported is no proof that a case would notice anything.
def test_a_fault_that_breaks_the_suite_is_not_caught() -> None:
    fault = sample(wrong="return (")

    assert examine(fault).outcome == "broken"


def test_a_fault_whose_text_is_gone_is_stale() -> None:
    fault = sample(right="no such text")

    assert examine(fault).outcome == "stale"


@pytest.mark.parametrize("text", ["", "a = 1\na = 1\n"], ids=["gone", "twice"])
def test_a_text_that_is_not_there_once_is_refused(text: str) -> None:
    fault = sample(right="a = 1", wrong="a = 2")

    with pytest.raises(StaleFault, match="true sorts before false"):
        fault.applied_to(text)


# Both ways: a survivor nobody explained, and an explanation that no longer holds.
@pytest.mark.parametrize(
    ("survives", "outcome", "is_good"),
    [("", "caught", True), ("", "survived", False), ("why", "survived", True), ("why", "caught", False)],
    ids=["caught", "survived", "explained", "explained-wrongly"],
)
def test_a_run_is_good_if_each_fault_ends_as_the_table_says(survives: str, outcome: str, is_good: bool) -> None:
    verdict = Verdict(sample(survives=survives), outcome, "", 1.0)

    assert summary([verdict])[1] is is_good


def test_a_run_in_which_too_few_are_caught_is_bad() -> None:
    explained = sample(survives="why")

    assert summary([Verdict(explained, "survived", "", 1.0)] * len(FAULTS))[1] is False

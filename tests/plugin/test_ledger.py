"""The ledger: what counts, what is stale, and a file whose changes are easy to read."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from pytest_mastra_convex.ledger import Ledger, LedgerEntry, LedgerError, StaleEntry
from tests.plugin.report_examples import result

TODAY = date(2026, 11, 22)
VERSIONS = {"convex": "1.48.0", "@mastra/convex": "1.5.2"}
CASE = "test_order.py::test_numbers"


def a_ledger(day: date = TODAY, case: str = CASE, target: str = "emulator") -> Ledger:
    ledger = Ledger()
    ledger.record([result(case, target)], VERSIONS, day)
    return ledger


@pytest.mark.parametrize("outcome", ["passed", "diverges"])
def test_what_is_as_expected_is_recorded(outcome: str) -> None:
    ledger = Ledger()

    ledger.record([result(CASE, "oracle", outcome)], VERSIONS, TODAY)

    assert ledger.entries == {CASE: {"oracle": LedgerEntry(held_on=TODAY, versions=VERSIONS)}}


# A failure does not wipe out when the case last held: that is what one then wants to know.
@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_failed_and_skipped_leave_the_entry_as_it_is(outcome: str) -> None:
    ledger = a_ledger()

    ledger.record([result(CASE, "emulator", outcome)], {"convex": "2"}, date(2026, 12, 1))

    assert ledger.entries == a_ledger().entries


# A test that passes and then fails to clean up gives two results.
@pytest.mark.parametrize("outcomes", [("passed", "failed"), ("failed", "passed")])
def test_case_that_also_failed_is_not_recorded(outcomes: tuple[str, str]) -> None:
    ledger = Ledger()

    ledger.record([result(CASE, "live", outcome) for outcome in outcomes], VERSIONS, TODAY)

    assert ledger.entries == {}


def test_later_run_replaces_the_entry_of_its_target_only() -> None:
    ledger = a_ledger()
    ledger.record([result(CASE, "server")], VERSIONS, TODAY)

    ledger.record([result(CASE, "server")], {"convex": "2"}, date(2026, 12, 1))

    assert ledger.entries[CASE] == {
        "emulator": LedgerEntry(held_on=TODAY, versions=VERSIONS),
        "server": LedgerEntry(held_on=date(2026, 12, 1), versions={"convex": "2"}),
    }


def test_cases_that_are_no_more_are_dropped() -> None:
    ledger = a_ledger(case="gone.py::test_it")

    ledger.record([result(CASE, "emulator")], VERSIONS, TODAY, known_cases=[CASE])

    assert list(ledger.entries) == [CASE]


# A run of a part of the suite knows nothing of the rest.
def test_other_cases_stay_when_not_all_are_known() -> None:
    ledger = a_ledger(case="other.py::test_it")

    ledger.record([result(CASE, "emulator")], VERSIONS, TODAY)

    assert set(ledger.entries) == {CASE, "other.py::test_it"}


# What is stale


@pytest.mark.parametrize(("day", "is_stale"), [(date(2026, 11, 12), False), (date(2026, 11, 11), True)])
def test_case_is_stale_after_so_many_days(day: date, is_stale: bool) -> None:
    found = a_ledger(day).stale(10, TODAY, [CASE], ["emulator"])

    assert found == ([StaleEntry(case=CASE, target="emulator", held_on=day)] if is_stale else [])


def test_case_that_never_held_is_stale() -> None:
    found = a_ledger().stale(10, TODAY, [CASE, "new.py::test_it"], ["emulator", "live"])

    assert found == [
        StaleEntry(case=CASE, target="live", held_on=None),
        StaleEntry(case="new.py::test_it", target="emulator", held_on=None),
        StaleEntry(case="new.py::test_it", target="live", held_on=None),
    ]


# The file


def test_file_has_a_line_for_each_case_and_target(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.record([result("b.py::test_it", "server"), result("b.py::test_it", "emulator")], VERSIONS, TODAY)
    ledger.record([result("a.py::test_it", "live")], {}, date(2026, 11, 1))

    ledger.save(tmp_path / "ledger.json")

    lines = (tmp_path / "ledger.json").read_text(encoding="utf-8").splitlines()
    assert [re.sub("[0-9a-f]{8}", "KEY", line) for line in lines[:9]] == [
        "{",
        ' "cases": {',
        '  "a.py::test_it": {',
        '   "live": {"date": "2026-11-01", "versions": "KEY"}',
        "  },",
        '  "b.py::test_it": {',
        '   "emulator": {"date": "2026-11-22", "versions": "KEY"},',
        '   "server": {"date": "2026-11-22", "versions": "KEY"}',
        "  }",
    ]


def test_versions_stand_in_the_file_once(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.record([result(f"a.py::test_{number}", "emulator") for number in range(5)], VERSIONS, TODAY)

    ledger.save(tmp_path / "ledger.json")

    assert (tmp_path / "ledger.json").read_text(encoding="utf-8").count("1.48.0") == 1


# Two people who record the same run must not get different files.
def test_file_does_not_depend_on_the_order_of_results_and_versions(tmp_path: Path) -> None:
    results = [result(f"{module}.py::test_it", target) for module in "ab" for target in ("server", "emulator")]
    there, back = Ledger(), Ledger()
    there.record(results, VERSIONS, TODAY)
    back.record(reversed(results), dict(reversed(VERSIONS.items())), TODAY)

    there.save(tmp_path / "there.json")
    back.save(tmp_path / "back.json")

    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "back.json").read_bytes()


def test_saved_ledger_is_read_back(tmp_path: Path) -> None:
    ledger = a_ledger(case="a.py::test_it[é 😀 \ud800]")
    ledger.record([result(CASE, "live")], {}, date(2025, 1, 1))

    ledger.save(tmp_path / "ledger.json")

    assert Ledger.load(tmp_path / "ledger.json") == ledger


def test_file_that_is_not_there_is_an_empty_ledger(tmp_path: Path) -> None:
    assert Ledger.load(tmp_path / "ledger.json") == Ledger()


def test_empty_ledger_can_be_saved(tmp_path: Path) -> None:
    Ledger().save(tmp_path / "ledger.json")

    assert json.loads((tmp_path / "ledger.json").read_text()) == {"cases": {}, "format": 1, "versions": {}}


# Somebody who reads while another run writes sees the old file or the new one, not the beginning of one.
def test_reader_of_the_old_file_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    a_ledger().save(path)
    before = path.read_text(encoding="utf-8")

    with path.open(encoding="utf-8") as reader:
        a_ledger(date(2026, 12, 1)).save(path)
        seen = reader.read()

    assert seen == before
    assert path.read_text(encoding="utf-8") != before


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    a_ledger().save(tmp_path / "ledger.json")

    assert [path.name for path in tmp_path.iterdir()] == ["ledger.json"]


# A run that is killed while it writes, or a full disk, must not cost the history of all other cases.
def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.json"
    a_ledger().save(path)
    before = path.read_bytes()

    def write_half(self: Path, text: str, **_options: object) -> int:
        self.write_bytes(text[: len(text) // 2].encode())
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(OSError, match="no space left"):
        a_ledger(date(2026, 12, 1)).save(path)

    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("ledger.json", before)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "no JSON: Expecting property name"),
        ("<<<<<<< HEAD", "no JSON: Expecting value"),
        ("[]", "must be an object"),
        ("{}", "format: must be 1, not None"),
        ('{"format": 2}', "format: must be 1, not 2"),
        ('{"format": 1, "cases": {}}', "versions: is missing"),
        ('{"format": 1, "versions": {}}', "cases: is missing"),
        ('{"format": 1, "versions": {"k": {"convex": 1}}, "cases": {}}', "versions['k']: must hold texts"),
        ('{"format": 1, "versions": {}, "cases": {"a": 5}}', "cases['a']: must be an object"),
        ('{"format": 1, "versions": {}, "cases": {"a": {"live": 5}}}', "cases['a']['live']: must be an object"),
        (
            '{"format": 1, "versions": {"k": {}}, "cases": {"a": {"live": {"date": "20261122", "versions": "k"}}}}',
            "cases['a']['live'].date: must be YYYY-MM-DD, not '20261122'",
        ),
        (
            '{"format": 1, "versions": {"k": {}}, "cases": {"a": {"live": {"date": "2026-02-30", "versions": "k"}}}}',
            "cases['a']['live'].date: must be YYYY-MM-DD, not '2026-02-30'",
        ),
        (
            '{"format": 1, "versions": {}, "cases": {"a": {"live": {"date": "2026-11-22", "versions": "k"}}}}',
            "cases['a']['live'].versions: must be a key of the table of versions, not 'k'",
        ),
    ],
)
def test_malformed_file_is_refused_by_name_and_field(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(LedgerError, match=f"^{re.escape(str(path))}: {re.escape(problem)}"):
        Ledger.load(path)

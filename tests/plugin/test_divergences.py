"""The register of known differences, and the marker that turns one into a strict expected failure."""

import re
from dataclasses import replace

import pytest

from pytest_mastra_convex import divergences
from pytest_mastra_convex.divergences import (
    Divergence,
    applies_to,
    divergences_page,
    load_divergences,
    parse_divergences,
    unmatched,
)

pytest_plugins = ["pytester"]

ENTRY = """
[[divergence]]
id = "page-end"
kind = "upstream"
target = "oracle"
shown_by = "conformance"
since = "2026-11-21"
source = "convex-test index.ts"
reason = "The last page says that it is the last one."
"""


def without(field: str) -> str:
    return "".join(line for line in ENTRY.splitlines(keepends=True) if not line.startswith(f"{field} ="))


def test_entry_is_read() -> None:
    assert parse_divergences(ENTRY) == {
        "page-end": Divergence(
            id="page-end",
            kind="upstream",
            target="oracle",
            shown_by="conformance",
            since="2026-11-21",
            source="convex-test index.ts",
            reason="The last page says that it is the last one.",
        )
    }


def test_empty_register_has_no_entries() -> None:
    assert parse_divergences("# nothing yet\n") == {}


@pytest.mark.parametrize("field", ["kind", "target", "shown_by", "since", "source", "reason"])
def test_missing_field_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"divergence 'page-end' must have the text fields .*{field}"):
        parse_divergences(without(field))


def test_missing_id_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("divergence '?' must have the text fields id, kind, reason")):
        parse_divergences(without("id"))


# A misspelt field would otherwise be a field that nobody reads.
def test_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="divergence 'page-end' must have the text fields"):
        parse_divergences(ENTRY + 'until = "2027-01-01"\n')


@pytest.mark.parametrize("value", ['""', "5", "true"])
def test_field_must_be_text(value: str) -> None:
    with pytest.raises(ValueError, match="divergence 'page-end' must have the text fields"):
        parse_divergences(without("reason") + f"reason = {value}\n")


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("kind", "missing, upstream, by-design"),
        ("target", "emulator, server, oracle, live"),
        ("shown_by", "conformance, tests"),
    ],
)
def test_unknown_word_is_refused_with_the_known_ones(field: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"divergence 'page-end': {field} must be one of {known}"):
        parse_divergences(without(field) + f'{field} = "other"\n')


def test_id_registered_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="divergence 'page-end' is registered twice"):
        parse_divergences(ENTRY + ENTRY)


def test_shipped_register_can_be_read() -> None:
    register = load_divergences()

    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", entry.since) for entry in register.values())


# Which entries a run has to show


@pytest.fixture
def entry() -> Divergence:
    return parse_divergences(ENTRY)["page-end"]


# The server is the emulator behind sockets: what one does, the other does; but sockets may differ on their own account.
@pytest.mark.parametrize(
    ("registered_for", "target", "applies"),
    [
        ("emulator", "emulator", True),
        ("emulator", "server", True),
        ("emulator", "oracle", False),
        ("server", "emulator", False),
        ("oracle", "server", False),
    ],
)
def test_difference_of_the_emulator_is_one_of_the_server(
    entry: Divergence, registered_for: str, target: str, applies: bool
) -> None:
    assert applies_to(replace(entry, target=registered_for), target) is applies


def test_entry_that_no_test_names_is_unmatched(entry: Divergence) -> None:
    register = {"page-end": entry, "other": replace(entry, id="other")}

    assert unmatched(register, {"other"}, "conformance", ["emulator", "oracle"]) == ["page-end"]


# A run on other targets, or of the other suite, cannot show the difference.
@pytest.mark.parametrize(("shown_by", "target"), [("tests", "oracle"), ("conformance", "emulator")])
def test_entry_of_another_suite_or_target_is_not_asked_for(entry: Divergence, shown_by: str, target: str) -> None:
    assert unmatched({"page-end": entry}, set(), shown_by, [target]) == []


# The page


def test_page_goes_by_target_and_kind(entry: Divergence) -> None:
    register = {
        "a": replace(entry, id="a"),
        "b": replace(entry, id="b", target="emulator", kind="missing"),
        "c": replace(entry, id="c", kind="by-design"),
        "d": replace(entry, id="d"),
    }

    found = re.findall(r"^(?:##+ .*|\| `\w`)", divergences_page(register), re.MULTILINE)

    assert found == [
        "## emulator",
        "### emulator: missing",
        "| `b`",
        "## oracle",
        "### oracle: upstream",
        "| `a`",
        "| `d`",
        "### oracle: by-design",
        "| `c`",
    ]


# A bar ends a cell of a table in Markdown, a line break the table.
def test_page_keeps_a_row_on_its_line(entry: Divergence) -> None:
    page = divergences_page({"page-end": replace(entry, reason="One\nor | the other.")})

    assert "| `page-end` | One or \\| the other. | 2026-11-21 | convex-test index.ts |\n" in page


# The marker


@pytest.fixture
def registered(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose plugin knows one divergence, without the other plugins of this environment."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(divergences, "load_divergences", lambda: parse_divergences(ENTRY))
    return pytester


def run_marked(pytester: pytest.Pytester, marker: str, body: str) -> pytest.RunResult:
    pytester.makepyfile(f"import pytest\n\n@pytest.mark.{marker}\ndef test_it():\n    {body}\n")
    return pytester.runpytest_inprocess("-p", "pytest_mastra_convex.plugin", "--strict-markers", "-rx")


def test_marked_test_that_fails_is_an_expected_failure(registered: pytest.Pytester) -> None:
    result = run_marked(registered, 'diverges("page-end")', "assert False")

    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["*page-end: The last page says that it is the last one.*"])


# The day the difference is gone the run goes red, until the entry is taken out.
def test_marked_test_that_passes_fails_the_run(registered: pytest.Pytester) -> None:
    result = run_marked(registered, 'diverges("page-end")', "pass")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*page-end*"])


@pytest.mark.parametrize(
    "marker", ['diverges("other")', "diverges", 'diverges("page-end", "other")', 'diverges(id="page-end")']
)
def test_marker_without_one_registered_id_stops_the_run(registered: pytest.Pytester, marker: str) -> None:
    result = run_marked(registered, marker, "assert False")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_it: diverges() takes one registered id; known are: page-end*"])


def test_unmarked_tests_are_left_alone(registered: pytest.Pytester) -> None:
    registered.makepyfile("def test_it():\n    pass\n")

    registered.runpytest_inprocess("-p", "pytest_mastra_convex.plugin").assert_outcomes(passed=1)


# Loaded here by its entry point, as in a project that has only installed the package.
def test_marker_is_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--markers")

    result.stdout.fnmatch_lines(['@pytest.mark.diverges("id"): shows a registered difference*'])

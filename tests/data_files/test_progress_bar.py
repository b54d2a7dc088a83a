"""The bar of long imports: on a terminal only."""

import io
import sys

import pytest

from convex_mastra_emulator.data.progress_bar import progress_bar


class Terminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)

    with progress_bar("Loading notes") as progress:
        assert progress is None

    assert output.getvalue() == ""


def test_a_terminal_shows_the_title_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Terminal()
    monkeypatch.setattr(sys, "stderr", output)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")

    with progress_bar("Loading notes") as progress:
        assert progress is not None
        progress(1, 4)
        progress(4, 4)

    assert "Loading notes" in output.getvalue()
    assert "100%" in output.getvalue()

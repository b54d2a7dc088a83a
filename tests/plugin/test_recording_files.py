"""Recordings on disk: names, whole files, and text in which a small change is a small difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mastra_convex.recording_files import MalformedRecording, file_name, pretty, read_json_files, write_whole


def test_the_file_is_named_after_its_test() -> None:
    assert file_name("tests/stores/test_memory.py::test_pages") == "tests.stores.test_memory.py--test_pages.json"


# pytest's ids hold anything: brackets, blanks, letters that some file systems refuse.
def test_letters_no_file_system_likes_go_and_names_stay_apart() -> None:
    names = [file_name(f"tests/test_a.py::test_b[{case}]") for case in ('a"b', "a b", "a:b", "..", "x" * 300)]

    assert len(set(names)) == 5
    assert all(name.isascii() and not set(name) & set('/\\:*?"<>| ') and len(name) < 200 for name in names)


def test_a_name_never_hides_its_file() -> None:
    assert not file_name("../.secret").startswith(".")


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a.json", {"a": [1.0, 2.5]})

    assert (tmp_path / "new" / "a.json").read_text() == '{"a": [1, 2.5]}\n'


# convex-test stores a lone surrogate; a file in UTF-8 has no place for it.
def test_half_a_character_is_written_and_read(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", {"\ud83d": ["x\ude00", "\N{GRINNING FACE}"]})

    assert [value for _, value in read_json_files(tmp_path)] == [{"\ud83d": ["x\ude00", "\N{GRINNING FACE}"]}]


# Whoever replays while a test records must not read half a file.
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, {"a": 1})

    with pytest.raises(TypeError, match="not JSON serializable"):
        write_whole(path, {"a": object()})

    assert path.read_text() == '{"a": 1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_read_by_name_with_numbers_as_float(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", ".a.json.part"):
        (tmp_path / name).write_text("[1]")
    (tmp_path / "note.txt").write_text("no recording")

    read = [(path.name, value) for path, value in read_json_files(tmp_path)]

    assert read == [("a.json", [1.0]), ("b.json", [1.0])]
    assert isinstance(read[0][1][0], float)


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"a": ')

    with pytest.raises(MalformedRecording, match=r"broken\.json is no JSON: "):
        list(read_json_files(tmp_path))


def test_a_folder_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        list(read_json_files(tmp_path / "nowhere"))


# At 120 letters a line is full; one more letter and it is broken.
@pytest.mark.parametrize(("size", "lines"), [(111, 1), (112, 3)])
def test_what_fits_stands_on_one_line(size: int, lines: int) -> None:
    assert len(pretty({"a": "x" * size}).splitlines()) == lines


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=_JSON)
def test_pretty_text_reads_back(value: object) -> None:
    assert json.loads(pretty(value), parse_int=float) == value

"""The demonstration's embedding and its chunks: the same everywhere, and good enough to find a text by its words."""

import math

import pytest

from convex_mastra_emulator.demo.embedding import DIMENSIONS, chunks_of, embed


def similarity(left: str, right: str) -> float:
    a, b = embed(left), embed(right)
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


# Python's own hash() differs from process to process; the places of these words do not.
def test_a_text_has_the_same_embedding_in_every_process() -> None:
    places = {place: value for place, value in enumerate(embed("cursor")) if value}

    assert places == {3: 1.0, 5: -1.0, 22: 1.0, 61: -1.0}


def test_an_embedding_has_its_dimensions() -> None:
    assert len(embed("cursor")) == len(embed("")) == DIMENSIONS == 64


def test_case_order_and_common_words_do_not_matter() -> None:
    assert embed("The cursor of a page") == embed("page CURSOR")


def test_words_with_common_parts_are_near_each_other() -> None:
    assert similarity("transactions", "transaction") > 0.8
    assert similarity("transactions", "parcel") < 0.5


@pytest.mark.parametrize("text", ["", "  \n", "the and of", "…"])
def test_a_text_without_words_is_nowhere(text: str) -> None:
    assert set(embed(text)) == {0.0}


# "ab" + blank line + "cd" are six characters.
def test_paragraphs_are_joined_up_to_the_size() -> None:
    assert chunks_of("ab\n\ncd", size_max=6) == ["ab\n\ncd"]
    assert chunks_of("ab\n\ncd", size_max=5) == ["ab", "cd"]


def test_a_paragraph_is_never_cut() -> None:
    assert chunks_of("a" * 30 + "\n\nb", size_max=10) == ["a" * 30, "b"]


def test_blank_lines_may_hold_blanks() -> None:
    assert chunks_of("\n\nab\n \t\n\n  cd\nef  \n", size_max=4) == ["ab", "cd\nef"]


@pytest.mark.parametrize("text", ["", " \n\n "])
def test_nothing_makes_no_chunks(text: str) -> None:
    assert chunks_of(text) == []

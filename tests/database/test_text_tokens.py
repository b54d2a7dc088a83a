"""The words of a text: convex-engine.md §9."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator.database.text_tokens import tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("!?", []),
        ("Hello, World", ["hello", "world"]),
        ("snake_case kebab-case", ["snake", "case", "kebab", "case"]),
        ("3.14 1e5", ["3", "14", "1e5"]),
        ("don't", ["don", "t"]),
        ("Straße ÄÖÜ", ["straße", "äöü"]),
        ("x² ½ Ⅷ", ["x²", "½", "ⅷ"]),
        ("日本語。文", ["日本語", "文"]),
    ],
    ids=["empty", "punctuation", "case", "joined", "numbers", "apostrophe", "German", "other numbers", "Japanese"],
)
def test_words_are_runs_of_letters_and_digits(text: str, words: list[str]) -> None:
    assert list(tokens(text)) == words


# A vowel sign is Alphabetic in Unicode and no letter for Python; a virama or an accent on its own is neither.
@pytest.mark.parametrize(
    ("text", "words"),
    [("किताब", ["किताब"]), ("हिन्दी", ["हिन", "दी"]), ("Ⓐb", ["ⓐb"]), ("e\u0301a", ["e", "a"])],
    ids=["vowel sign", "virama", "circled", "accent"],
)
def test_marks_that_are_alphabetic_belong_to_the_word(text: str, words: list[str]) -> None:
    assert list(tokens(text)) == words


# A deployment writes letter by letter in lower case, Python a sigma at the end of a word as ς.
def test_sigma_at_the_end_of_a_word_is_one_like_others() -> None:
    assert list(tokens("ΟΔΟΣ")) == ["οδοσ"]


# The length is that of UTF-8, before it is put into lower case: İ has 2 bytes then, and 3 after.
@pytest.mark.parametrize(
    ("word", "is_kept"),
    [("a" * 31, True), ("a" * 32, False), ("ä" * 15, True), ("ä" * 16, False), ("İ" * 15, True)],
    ids=["31", "32", "30 in two-byte letters", "32 in two-byte letters", "longer in lower case"],
)
def test_word_of_32_bytes_or_more_is_dropped(word: str, is_kept: bool) -> None:
    assert list(tokens(f"x {word} y")) == ["x", *([word.lower()] if is_kept else []), "y"]


@given(st.text(max_size=60))
def test_words_are_what_letters_and_digits_there_are(text: str) -> None:
    words = list(tokens(text))

    assert all(len(word) > 0 for word in words)
    kept = [letter for letter in text if unicodedata.category(letter)[0] in "LN"]
    assert sum(map(len, words)) <= sum(len(letter.lower()) for letter in text)
    if all(len(run.encode()) < 32 for run in text.split()):
        assert sum(map(len, words)) >= len(kept)

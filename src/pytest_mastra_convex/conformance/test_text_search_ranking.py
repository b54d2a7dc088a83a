"""Text search: which document comes first, and why.

convex-backend crates/search/src/lib.rs; BM25 as Tantivy computes it (convex-engine.md §9).
"""

from __future__ import annotations

import pytest

from pytest_mastra_convex.conformance.texts import TEXTS, found, names, put, searched, store
from pytest_mastra_convex.probe import Probe, counter_text, eq, insert

pytestmark = pytest.mark.diverges("text-search-ranking")


def numbered_words(probe: Probe, stem: str, count: int) -> None:
    """Stores texts of one word each: the stem with 0 behind it under the name t0, and so on.

    Each case has a stem of its own: a deployment remembers the words of deleted documents for a while.
    """
    step = insert(TEXTS, {"name": counter_text("t"), "body": counter_text(stem)}, times=count)
    assert probe.mutation(step)[0].error is None


# Retrieval takes the first few: a text that answers all of the question goes before one that answers half of it.
def test_text_with_more_of_the_words_comes_first(probe: Probe) -> None:
    store(probe, one="apple pear", both="apple banana")

    assert found(probe, "apple banana") == ["both", "one"]


# A word that is everywhere tells nothing; a rare one does.
def test_text_with_the_rarer_word_comes_first(probe: Probe) -> None:
    store(probe, common="message one", rare="invoice four", other="message two", third="message three")

    assert found(probe, "message invoice")[0] == "rare"


# The same number of words, more of which are the one that is looked for.
def test_text_with_the_word_more_often_comes_first(probe: Probe) -> None:
    store(probe, once="fox and dog", twice="fox and fox")

    assert found(probe, "fox") == ["twice", "once"]


# A long text holds many words by chance.
def test_shorter_text_comes_first(probe: Probe) -> None:
    store(probe, long="fox in a wood full of other animals", short="a fox")

    assert found(probe, "fox") == ["short", "long"]


# The whole word is the better match than a longer one that begins with it and is as rare, also when that is newer.
def test_whole_word_comes_before_its_beginning(probe: Probe) -> None:
    store(probe, whole="fox", longer="foxes", other="fox", newest="foxes")

    assert found(probe, "fox") == ["other", "whole", "newest", "longer"]


# A beginning counts half, so one that is rare enough weighs as much as a word that is not.
def test_common_word_comes_behind_a_rare_beginning(probe: Probe) -> None:
    commons = {f"common{number}": "fox" for number in range(30)}
    store(probe, **commons, rare="foxglove")

    assert found(probe, "fox")[0] == "rare"


# Equal texts: what was said last.
def test_newest_of_equal_texts_comes_first(probe: Probe) -> None:
    store(probe, oldest="a fox", middle="a fox", newest="a fox")

    assert found(probe, "fox") == ["newest", "middle", "oldest"]


# The date of creation decides, not that of the last change.
def test_changed_text_keeps_its_age(probe: Probe) -> None:
    ids = store(probe, old="a dog", new="a fox")

    probe.patch(ids["old"], {"body": "a fox"})

    assert found(probe, "fox") == ["new", "old"]


# To say a word twice in a search does not make it heavier.
def test_word_counts_once_in_a_search(probe: Probe) -> None:
    store(probe, apple="apple", banana="banana")

    assert found(probe, "apple apple banana") == ["banana", "apple"]


# Up to 40 words every length counts; of 40 and 41 the same is remembered, so the newer one comes first.
def test_lengths_of_40_and_41_words_are_the_same(probe: Probe) -> None:
    store(probe, shorter="fox" + " wood" * 39, longer="fox" + " wood" * 40)

    assert found(probe, "fox") == ["longer", "shorter"]


# The other side: 39 words are fewer than 40, and older.
def test_lengths_of_39_and_40_words_differ(probe: Probe) -> None:
    store(probe, other="dog", shorter="fox" + " wood" * 38, longer="fox" + " wood" * 39, newest="fox" + " wood" * 39)

    assert found(probe, "fox") == ["shorter", "newest", "longer"]


# The rank is that of the whole table: what a filter leaves out still tells how rare a word is.
def test_rarity_is_that_of_the_table_and_not_of_the_filtered(probe: Probe) -> None:
    others = [put(f"other{number}", "invoice", group="you") for number in range(5)]
    probe.mutation(*others, put("often", "invoice", group="me"), put("rare", "receipt", group="me"))

    assert found(probe, "invoice receipt", eq("group", "me")) == ["rare", "often"]


# A mutation that writes changes the ranks it reads.
def test_own_writes_change_the_ranks(probe: Probe) -> None:
    store(probe, apple="apple", banana="banana")

    *_, search = probe.mutation(*(put(f"new{number}", "banana") for number in range(3)), searched("banana apple"))

    assert names(search.value) == ["apple", "new2", "new1", "new0", "banana"]


# Many words begin alike: a short beginning still finds more than a handful of them.
def test_beginning_stands_for_many_words(probe: Probe) -> None:
    numbered_words(probe, "many", 60)

    assert found(probe, "many") == [f"t{number}" for number in reversed(range(60))]


# It stands for 64 words at most, the first ones in the alphabet.
def test_beginning_stands_for_64_words(probe: Probe) -> None:
    numbered_words(probe, "limit", 100)

    assert sorted(found(probe, "limit")) == sorted(f"t{number}" for number in range(100))[:64]


# The words before it are among them.
def test_other_words_are_among_the_64(probe: Probe) -> None:
    numbered_words(probe, "among", 100)

    found_names = found(probe, "among99 among98 among")

    assert set(found_names) == {"t98", "t99", *sorted(f"t{number}" for number in range(100))[:62]}

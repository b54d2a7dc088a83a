"""Text search: which documents a search finds, by which words, and by which filters.

convex-backend crates/search/src/lib.rs and constants.rs (convex-engine.md §9).
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.conformance.texts import TEXTS, found, names, put, searched, store, words
from pytest_mastra_convex.probe import (
    Probe,
    delete,
    eq,
    field,
    literal,
    patch,
    replace,
    run_mutation,
    run_query,
    throw,
    undefined,
)

# Words


# Search in a history: only the messages that hold the word, wherever it stands.
def test_documents_with_the_word_are_found(probe: Probe) -> None:
    store(probe, first="fox in the snow", last="a quick brown fox", inside="the fox sleeps", none="a dog")

    assert sorted(found(probe, "fox")) == ["first", "inside", "last"]


# People type as they like, and so do models.
@pytest.mark.parametrize("text", ["fox", "FOX", "Fox"])
def test_case_makes_no_difference(probe: Probe, text: str) -> None:
    store(probe, lower="fox", upper="FOX", none="dog")

    assert sorted(found(probe, text)) == ["lower", "upper"]


# A question has words the answer lacks: one in common is enough.
def test_one_of_several_words_is_enough(probe: Probe) -> None:
    store(probe, one="an apple", other="a banana", none="a cherry")

    assert sorted(found(probe, "apple banana")) == ["one", "other"]


# Search as you type: what is typed last may be half a word.
def test_last_word_finds_words_that_begin_with_it(probe: Probe) -> None:
    store(probe, long="quickly done", whole="qui vive", none="acquire")

    assert sorted(found(probe, "qui")) == ["long", "whole"]


# Words before the last are finished, so they mean themselves.
@pytest.mark.diverges("text-search-words")
def test_other_words_find_only_themselves(probe: Probe) -> None:
    store(probe, begins="quickly done", whole="qui vive", last="dogs")

    assert sorted(found(probe, "qui dog")) == ["last", "whole"]


# "Contains" in the sense of LIKE '%…%' is not what this is.
def test_middle_of_a_word_finds_nothing(probe: Probe) -> None:
    store(probe, quick="quick", fox="foxes")

    assert found(probe, "uick") == []


# Words are not brought to their stem: the plural does not find the singular.
def test_longer_form_does_not_find_the_shorter(probe: Probe) -> None:
    store(probe, one="a fox", many="two foxes")

    assert found(probe, "foxes") == ["many"]


# No word is too common to be looked for.
def test_stop_words_are_found(probe: Probe) -> None:
    store(probe, yes="to be or not to be", no="something else")

    assert found(probe, "not") == ["yes"]


# A sentence has punctuation, and whatever is no letter and no digit ends a word.
@pytest.mark.diverges("text-search-words")
@pytest.mark.parametrize(
    "body",
    ["say:fox", "(fox)", "red-fox", "red_fox", "a/fox/b", "it's.fox", "red\u00a0,fox"],
    ids=["colon", "brackets", "hyphen", "underscore", "slash", "full stop", "space"],
)
def test_punctuation_in_a_text_ends_a_word(probe: Probe, body: str) -> None:
    store(probe, yes=body, no="firefox")

    assert found(probe, "fox") == ["yes"]


# The same in what is looked for: "fox!" is no word that nobody wrote.
@pytest.mark.diverges("text-search-words")
@pytest.mark.parametrize("text", ["fox!", '"fox"', "?fox"], ids=["exclamation", "quotes", "question"])
def test_punctuation_in_a_search_is_ignored(probe: Probe, text: str) -> None:
    store(probe, yes="a fox", no="a dog")

    assert found(probe, text) == ["yes"]


# Accents are letters of their own.
def test_accents_make_another_word(probe: Probe) -> None:
    store(probe, plain="cafe", accent="café")

    assert found(probe, "café") == ["accent"]
    assert found(probe, "cafe") == ["plain"]


# Agents speak every language; in some of them a word has marks, or no spaces around it.
@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Привет мир", "привет"),
        ("हिन्दी भाषा", "हिन"),
        ("日本語の文", "日本語"),
        ("ÄRGER im Büro", "ärger"),
        ("room 42", "42"),
    ],
    ids=["Cyrillic", "Devanagari", "Japanese", "umlauts", "digits"],
)
def test_words_of_other_scripts_are_found(probe: Probe, body: str, text: str) -> None:
    store(probe, yes=body, no="nothing")

    assert found(probe, text) == ["yes"]


# A vowel sign is a part of its word: what follows is no word of its own.
def test_vowel_signs_do_not_end_a_word(probe: Probe) -> None:
    store(probe, hindi="किताब")

    assert found(probe, "ताब") == []


# Long tokens (base64, URLs without a dot) are not indexed. Below 32 bytes they are.
@pytest.mark.parametrize("word", ["a" * 31, "ä" * 15], ids=["31 letters", "30 bytes"])
def test_word_below_32_bytes_is_found(probe: Probe, word: str) -> None:
    store(probe, long=f"x {word} y")

    assert found(probe, word) == ["long"]


@pytest.mark.diverges("text-search-words")
@pytest.mark.parametrize("word", ["a" * 32, "ä" * 16], ids=["32 letters", "32 bytes"])
def test_word_of_32_bytes_is_not_found(probe: Probe, word: str) -> None:
    store(probe, long=f"x {word} y")

    assert found(probe, word[:10]) == []


# The long word was never one, so the word before it is the last and may be half a word.
@pytest.mark.diverges("text-search-words")
def test_word_of_32_bytes_in_a_search_is_no_word(probe: Probe) -> None:
    store(probe, quick="quick", long="a" * 32)

    assert found(probe, "qui " + "a" * 32) == ["quick"]


_FILL = " ".join(f"no{number}" for number in range(15))


# A whole message as the search: its first 16 words are looked for ...
def test_sixteenth_word_is_looked_for(probe: Probe) -> None:
    store(probe, yes="fox")

    assert found(probe, f"{_FILL} fox") == ["yes"]


# ... and the rest is dropped without a word of warning.
@pytest.mark.diverges("text-search-words")
def test_seventeenth_word_is_not_looked_for(probe: Probe) -> None:
    store(probe, yes="fox", no="other")

    assert found(probe, f"{_FILL} more fox") == []


# The sixteenth is then the last, so it may be the beginning of a word.
@pytest.mark.diverges("text-search-words")
def test_last_word_that_is_looked_for_may_be_a_beginning(probe: Probe) -> None:
    store(probe, yes="foxes", no="dog")

    assert found(probe, f"{_FILL} fox dog") == ["yes"]


# Nothing to look for finds nothing; it is neither everything nor an error.
@pytest.mark.parametrize("text", ["", " ", "!!", "…"], ids=["empty", "space", "punctuation", "dots"])
def test_search_without_words_finds_nothing(probe: Probe, text: str) -> None:
    store(probe, one="one", empty="")

    assert found(probe, text) == []


# A bare unknown word ends well, too.
def test_unknown_word_finds_nothing(probe: Probe) -> None:
    store(probe, one="one")

    assert found(probe, "two") == []


# Rows without a text (tool calls, images) live in the same table: they are stored, and not found.
@pytest.mark.diverges("text-search-field-that-is-no-text")
@pytest.mark.parametrize(
    "body", [5, None, True, ["fox"], {"fox": "fox"}], ids=["number", "null", "boolean", "list", "object"]
)
def test_what_is_no_text_is_not_found(probe: Probe, body: Any) -> None:
    store(probe, thing=body, text="fox")

    assert found(probe, "fox") == ["text"]


# Changes


# What was deleted must not be cited.
def test_deleted_document_is_not_found(probe: Probe) -> None:
    ids = store(probe, gone="a fox", here="a fox")

    probe.delete(ids["gone"])

    assert found(probe, "fox") == ["here"]


# An edited message is found by what it says now.
@pytest.mark.parametrize("write", ["patch", "replace"])
def test_changed_text_is_found_by_its_new_words(probe: Probe, write: str) -> None:
    ids = store(probe, note="a fox")
    found(probe, "fox")  # the index is there before the change

    if write == "patch":
        probe.patch(ids["note"], {"body": "a dog"})
    else:
        probe.replace(ids["note"], {"name": "note", "body": "a dog"})

    assert (found(probe, "fox"), found(probe, "dog")) == ([], ["note"])


# A change of something else leaves the text where it is.
def test_document_is_still_found_after_another_field_changed(probe: Probe) -> None:
    ids = store(probe, old="a fox")

    probe.patch(ids["old"], {"name": "new"})

    assert found(probe, "fox") == ["new"]


# Save, then search, in one mutation: what it has written itself it finds at once.
def test_own_writes_are_found(probe: Probe) -> None:
    ids = store(probe, deleted="fox", changed="fox", replaced="dog")

    *_, search = probe.mutation(
        put("new", "fox"),
        delete(ids["deleted"]),
        patch(ids["changed"], {"body": "dog"}),
        replace(ids["replaced"], {"name": "replaced", "body": "fox"}),
        searched("fox"),
    )

    assert sorted(names(search.value)) == ["new", "replaced"]


# A query that a mutation calls is inside of it.
def test_called_query_finds_what_its_caller_wrote(probe: Probe) -> None:
    _, called = probe.mutation(put("new", "fox"), run_query(searched("fox")))

    assert names(called.value[0].value) == ["new"]


# What a failed mutation wrote never was, for its caller ...
def test_writes_of_a_called_mutation_that_failed_are_not_found(probe: Probe) -> None:
    ids = store(probe, kept="fox")

    *_, search = probe.mutation(
        run_mutation(put("lost", "fox"), delete(ids["kept"]), searched("fox"), throw("no")), searched("fox")
    )

    assert names(search.value) == ["kept"]


# ... and for everybody else.
def test_writes_of_a_failed_mutation_are_not_found(probe: Probe) -> None:
    store(probe, kept="fox")

    with pytest.raises(Exception, match="no such luck"):
        probe.mutation(put("lost", "fox"), searched("fox"), throw("no such luck"))

    assert found(probe, "fox") == ["kept"]


# Filters


# Many tenants in one table: the filter keeps them apart.
def test_filter_field_narrows_the_search(probe: Probe) -> None:
    probe.mutation(
        put("mine", "a fox", group="me"), put("yours", "a fox", group="you"), put("other", "a dog", group="me")
    )

    assert found(probe, "fox", eq("group", "me")) == ["mine"]
    assert found(probe, "fox", eq("group", "nobody")) == []


# Values are told apart by their type, as everywhere.
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "number"),
        (ConvexInt64(1), "int64"),
        (True, "boolean"),
        ("1", "text"),
        (None, "null"),
        ([1], "list"),
        (undefined, "none"),
    ],
    ids=["number", "int64", "boolean", "text", "null", "list", "missing"],
)
def test_filter_compares_values_with_their_type(probe: Probe, value: Any, name: str) -> None:
    groups = {"number": 1, "int64": ConvexInt64(1), "boolean": True, "text": "1", "null": None, "list": [1]}
    probe.mutation(*(put(key, "fox", group=group) for key, group in groups.items()), put("none", "fox"))

    assert found(probe, "fox", eq("group", value)) == [name]


# All conditions must hold.
def test_two_values_of_one_filter_field_find_nothing(probe: Probe) -> None:
    probe.mutation(put("a", "fox", group="a"), put("b", "fox", group="b"))

    assert found(probe, "fox", eq("group", "a"), eq("group", "b")) == []


# A deployment compares how many conditions there are with how many different ones it found.
@pytest.mark.diverges("text-search-repeated-condition")
def test_condition_said_twice_finds_nothing(probe: Probe) -> None:
    probe.mutation(put("a", "fox", group="a"))

    assert found(probe, "fox", eq("group", "a"), eq("group", "a")) == []


# A filter behind the search may look at any field.
def test_filter_behind_a_search(probe: Probe) -> None:
    store(probe, a="fox one", b="fox two", c="dog")

    assert names(probe.collect(TEXTS, search=words("fox"), filter=eq(field("name"), literal("b")))) == ["b"]

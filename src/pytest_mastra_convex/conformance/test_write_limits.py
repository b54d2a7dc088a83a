"""The limits of writes, each from both sides: what one document and what one mutation may hold.

convex-backend crates/common/src/document.rs and knobs.rs; sizes by crates/value/src/size.rs.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.probe import (
    Probe,
    counter,
    delete,
    fields,
    get,
    insert,
    nested,
    patch,
    ref,
    repeat,
    replace,
    run_mutation,
    throw,
    uncaught,
)

THINGS = "conformance_things"

# 1 MiB less 63 bytes of an empty document with an id of 32 characters, less name, end of name and 2 bytes of the text.
LARGEST_TEXT = 1_048_576 - 63 - 1 - 1 - 2
LARGEST_DOCUMENT = {"a": repeat("x", LARGEST_TEXT)}


def refusal(probe: Probe, *steps: Any) -> str:
    """The text with which the last step is refused."""
    error = probe.mutation(*steps)[-1].error
    assert error is not None
    return error


# One document: size


# mastra-ai/mastra#12376: messages with images in base64 broke at 1 MiB.  Exactly 1 MiB fits.
def test_a_document_of_1_mib_is_stored(probe: Probe) -> None:
    identifier = probe.insert(THINGS, LARGEST_DOCUMENT)

    assert len((probe.get(identifier) or {})["a"]) == LARGEST_TEXT


# mastra-ai/mastra#12376, the other side: one byte more is refused, and nothing of it is stored.
@pytest.mark.diverges("limits-of-writes")
def test_a_document_of_1_mib_and_a_byte_is_refused(probe: Probe) -> None:
    error = refusal(probe, insert(THINGS, {"a": repeat("x", LARGEST_TEXT + 1)}))

    assert error == "Value is too large (1.00 MiB > maximum size 1 MiB)"
    assert probe.count(THINGS) == 0


# Names count, too: with a name of two bytes the same text no longer fits.
@pytest.mark.diverges("limits-of-writes")
def test_the_names_of_fields_count(probe: Probe) -> None:
    error = refusal(probe, insert(THINGS, {"ab": repeat("x", LARGEST_TEXT)}))

    assert error.startswith("Value is too large")


# Text is counted in bytes of UTF-8: half as many accented letters fill a document.
def test_accented_text_of_1_mib_is_stored(probe: Probe) -> None:
    answers = probe.mutation(insert(THINGS, {"ab": repeat("é", (LARGEST_TEXT - 1) // 2)}))

    assert answers[0].error is None


# The other side: a count of characters would find half a document here.
@pytest.mark.diverges("limits-of-writes")
def test_accented_text_of_more_than_1_mib_is_refused(probe: Probe) -> None:
    error = refusal(probe, insert(THINGS, {"ab": repeat("é", (LARGEST_TEXT - 1) // 2 + 1)}))

    assert error.startswith("Value is too large")


# get-convex/workflow#241: a step's result made the run's row too large and the workflow got stuck.  The row must stay
# as it was, and be writable.
@pytest.mark.diverges("limits-of-writes")
@pytest.mark.parametrize("write", [pytest.param(patch, id="patch"), pytest.param(replace, id="replace")])
def test_an_update_beyond_1_mib_leaves_the_document_as_it_was(probe: Probe, write: Any) -> None:
    identifier = probe.insert(THINGS, {"a": "small"})

    error = refusal(probe, write(identifier, {"a": repeat("x", LARGEST_TEXT + 1)}))
    probe.patch(identifier, {"b": 1.0})

    document = probe.get(identifier) or {}
    assert error.startswith("Value is too large")
    assert (document["a"], document["b"]) == ("small", 1.0)


# The size is that of the whole document after the patch, not that of the patch: the last byte of room is taken here.
@pytest.mark.diverges("limits-of-writes")
def test_a_small_patch_of_a_full_document_is_refused(probe: Probe) -> None:
    identifier = probe.insert(THINGS, LARGEST_DOCUMENT)

    error = refusal(probe, patch(identifier, {"b": None}))

    assert error.startswith("Value is too large")


# A full document can still be rewritten in place: its own old version is not counted.
def test_a_full_document_can_be_replaced_by_a_full_document(probe: Probe) -> None:
    identifier = probe.insert(THINGS, LARGEST_DOCUMENT)

    probe.replace(identifier, {"a": repeat("y", LARGEST_TEXT)})

    assert (probe.get(identifier) or {})["a"][:3] == "yyy"


# One document: shape


# The document itself is the first of 16 levels; agent state with deep JSON gets there.
def test_a_document_of_16_levels_is_stored(probe: Probe) -> None:
    answers = probe.mutation(insert(THINGS, {"a": nested(15)}))

    assert answers[0].error is None


# The other side, by each write: the state of an agent grows deeper in updates, not when it is made.
@pytest.mark.diverges("limits-of-writes")
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(insert(THINGS, {"a": nested(16)}), id="insert"),
        pytest.param(patch(ref(0), {"a": nested(16)}), id="patch"),
        pytest.param(replace(ref(0), {"a": nested(16)}), id="replace"),
    ],
)
def test_a_document_of_17_levels_is_refused(probe: Probe, write: Any) -> None:
    error = refusal(probe, insert(THINGS, {}), write)

    assert "Document is too nested (nested 17 levels deep > maximum nesting 16)" in error


# 1,024 fields less the two the deployment adds.
def test_a_document_of_1022_own_fields_is_stored(probe: Probe) -> None:
    identifier = probe.insert(THINGS, fields(1022))

    assert len(probe.get(identifier) or {}) == 1024


# The other side: the count in the text includes the two system fields.
@pytest.mark.diverges("limits-of-writes")
def test_a_document_of_1023_own_fields_is_refused(probe: Probe) -> None:
    error = refusal(probe, insert(THINGS, fields(1023)))

    assert "Object has too many fields (1025 > maximum number 1024)" in error


# One mutation: number of writes


# Bulk imports run into this one first: 16,000 writes are one mutation's share.
def test_16_000_documents_in_one_mutation_are_stored(probe: Probe) -> None:
    answers = probe.mutation(insert(THINGS, {"n": counter()}, times=16_000))

    assert answers[0].error is None
    assert probe.count(THINGS) == 16_000


# The other side; not caught, so the 16,000 before it must go as well.
@pytest.mark.diverges("limits-of-writes")
def test_16_001_documents_in_one_mutation_are_refused(probe: Probe) -> None:
    with pytest.raises(FunctionError, match=r"Too many writes in a single function execution \(limit: 16000\)"):
        probe.mutation(uncaught(insert(THINGS, {"n": counter()}, times=16_001)))

    assert probe.count(THINGS) == 0


# Writes are counted, not documents: one row updated in a loop fills the allowance just so.
def test_16_000_writes_of_one_document_are_taken(probe: Probe) -> None:
    answers = probe.mutation(insert(THINGS, {}), patch(ref(0), {"n": counter()}, times=15_999))

    assert answers[1].error is None


# The other side: an allowance of documents, not of writes, would let this through.
@pytest.mark.diverges("limits-of-writes")
def test_16_001_writes_of_one_document_are_refused(probe: Probe) -> None:
    error = refusal(probe, insert(THINGS, {}), patch(ref(0), {"n": counter()}, times=16_000))

    assert "Too many writes" in error


# A patch that changes nothing is no write: upserts of unchanged rows cost reads only.
def test_patches_that_change_nothing_are_not_counted(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})

    answers = probe.mutation(patch(identifier, {"a": 1.0}, times=16_001), insert(THINGS, {}))

    assert [answer.error for answer in answers] == [None, None]


# One mutation: bytes written


# 16 MiB are exactly 16 of the largest documents.
def test_16_mib_in_one_mutation_are_stored(probe: Probe) -> None:
    answers = probe.mutation(insert(THINGS, LARGEST_DOCUMENT, times=16))

    assert answers[0].error is None


# The other side: the smallest document there is does not fit any more.
@pytest.mark.diverges("limits-of-writes")
def test_more_than_16_mib_in_one_mutation_are_refused(probe: Probe) -> None:
    error = refusal(probe, insert(THINGS, LARGEST_DOCUMENT, times=16), insert(THINGS, {}))

    assert error == "Too many bytes written in a single function execution (limit: 16 MiB)"


# A deletion writes no bytes: there is always room to make room.
def test_a_full_mutation_can_still_delete(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {})

    answers = probe.mutation(insert(THINGS, LARGEST_DOCUMENT, times=16), delete(identifier), get(identifier))

    assert [answer.error for answer in answers] == [None, None, None]


# What went over the limit stays counted: catching the error and writing less does not help.
@pytest.mark.diverges("limits-of-writes")
def test_after_the_limit_no_write_of_the_mutation_is_taken(probe: Probe) -> None:
    error = refusal(
        probe, insert(THINGS, LARGEST_DOCUMENT, times=15), insert(THINGS, LARGEST_DOCUMENT, times=2), delete(ref(0))
    )

    assert "Too many bytes written" in error


# A called mutation writes on its caller's account: splitting the work that way gains nothing.
@pytest.mark.diverges("limits-of-writes")
def test_a_called_mutation_shares_the_allowance(probe: Probe) -> None:
    error = refusal(
        probe, run_mutation(insert(THINGS, LARGEST_DOCUMENT, times=10)), insert(THINGS, LARGEST_DOCUMENT, times=7)
    )

    assert "Too many bytes written" in error


# What a failed call wrote is given back: after a fallback the whole allowance is there again.
def test_a_failed_call_gives_its_allowance_back(probe: Probe) -> None:
    failed, written = probe.mutation(
        run_mutation(insert(THINGS, LARGEST_DOCUMENT, times=10), throw("stop")),
        insert(THINGS, LARGEST_DOCUMENT, times=16),
    )

    assert "stop" in (failed.error or "")
    assert written.error is None

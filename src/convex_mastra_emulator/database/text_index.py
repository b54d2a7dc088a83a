"""A text index: the words of the documents of a table, the filter fields, and how well a document fits a search.

The rank is BM25 as Tantivy computes it, in numbers of 32 bits.  The index is brought up to date when it is next
searched, so nothing is computed for a table that is only written to.

convex-backend crates/search/src/lib.rs, memory_index, aggregation.rs; Tantivy src/query/bm25.rs and
src/fieldnorm/code.rs (convex-engine.md §9, checked 2026-11-21).
"""

from __future__ import annotations

import heapq
import math
import struct
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from convex_mastra_emulator.database.documents import CREATION_TIME, StoredDocument, field_at
from convex_mastra_emulator.database.text_tokens import tokens
from convex_mastra_emulator.schema.definition import TextIndexDefinition
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.names import parse_field_path
from convex_mastra_emulator.values.order import sort_key

if TYPE_CHECKING:
    from convex_mastra_emulator.database.store import Table

Path = tuple[str, ...]
Condition = tuple[Path, bytes]
"""A filter field and the sort key of the value it must have."""

# MAX_UNIQUE_QUERY_TERMS: words a search looks up, those a prefix stands for and the values of filters among them.
WORDS_MAX = 64
# A word that only begins with the last word of a search counts half (crates/search/src/lib.rs, step 4).
_PREFIX_BOOST = 0.5

_SINGLE = struct.Struct("f")


def _single(number: float) -> float:
    """The nearest number of 32 bits."""
    rounded: float = _SINGLE.unpack(_SINGLE.pack(number))[0]
    return rounded


# Tantivy's K1 and B.
_K1 = _single(1.2)
_B = 0.75


def _lengths() -> Iterator[int]:
    """The 256 lengths Tantivy tells apart: all up to 40, then eight for each doubling."""
    yield from range(24)
    for step in range(232):
        shift = max(step // 8 - 1, 0)
        yield 24 + ((step % 8 + (8 if step >= 8 else 0)) << shift)


_LENGTHS = tuple(_lengths())


class TextMatch(NamedTuple):
    """A document that was found; the larger of two comes first."""

    score: float
    creation_time: float
    internal_id: bytes
    document_id: str

    @property
    def key(self) -> bytes:
        """Its place among the results, which a cursor remembers.

        Of two results of one score and one time, the key of the smaller id is the smaller, although it comes second:
        so it is on a deployment, too.
        """
        return sort_key(-self.score) + sort_key(-self.creation_time) + sort_key(self.internal_id)


class _Entry(NamedTuple):
    """What the index holds of one document."""

    document: StoredDocument
    counts: Counter[str]
    length: int
    conditions: tuple[Condition, ...]


class TextIndex:
    """The text index ``definition`` of ``table``."""

    def __init__(self, definition: TextIndexDefinition, table: Table) -> None:
        self.definition = definition
        self.search_path = parse_field_path(definition.search_field)
        self.filter_paths = tuple(map(parse_field_path, definition.filter_fields))
        self._table = table
        self._stale: dict[str, None] = {}
        self._entries: dict[str, _Entry] = {}
        self._postings: dict[str, dict[str, int]] = {}
        self._filtered: dict[Condition, set[str]] = {}
        self._token_count = 0
        self._vocabulary: list[str] | None = None
        """All words in order; None when they have changed."""

    def touch(self, document_id: str) -> None:
        """Remembers that a document changed."""
        self._stale[document_id] = None

    def search(self, words: Sequence[str], conditions: Sequence[Condition], limit: int) -> list[TextMatch]:
        """The best documents that hold one of the words and meet all conditions, best first.

        Args:
            words: the tokens to look for; the last one may be the beginning of a word.
            conditions: what filter fields must be.
            limit: how many results at most.
        """
        self._bring_up_to_date()
        found = self._meeting(conditions)
        if found is not None and not found:
            return []
        scores: dict[str, float] = {}
        for word, boost in self._words_for(words, len(conditions)):
            self._add_scores(scores, word, boost, found)
        matches = (self._match(document_id, score) for document_id, score in scores.items())
        return heapq.nlargest(limit, matches)

    def _meeting(self, conditions: Sequence[Condition]) -> set[str] | None:
        """The documents that meet all conditions; None if there are none to meet."""
        if not conditions:
            return None
        # A deployment compares the number of conditions with that of the different ones it found: twice the same
        # is never met (crates/search/src/lib.rs, ``not_enough_and_tokens_present``).
        if len(set(conditions)) < len(conditions):
            return set()
        return set.intersection(*(self._filtered.get(condition, set()) for condition in conditions))

    def _words_for(self, words: Sequence[str], condition_count: int) -> Iterator[tuple[str, float]]:
        """The words of the index a search stands for, each once, with how much it counts."""
        exact = dict.fromkeys(word for word in words if word in self._postings)
        for word in exact:
            yield word, 1.0
        if words:
            others = (word for word in self._beginning_with(words[-1]) if word not in exact)
            for word in islice(others, WORDS_MAX - len(exact) - condition_count):
                yield word, _PREFIX_BOOST

    def _beginning_with(self, prefix: str) -> Iterator[str]:
        if self._vocabulary is None:
            self._vocabulary = sorted(self._postings)
        for position in range(bisect_left(self._vocabulary, prefix), len(self._vocabulary)):
            if not self._vocabulary[position].startswith(prefix):
                return
            yield self._vocabulary[position]

    def _add_scores(self, scores: dict[str, float], word: str, boost: float, found: set[str] | None) -> None:
        posting = self._postings[word]
        # Documents without a text count, too, as texts without a word.
        document_count = len(self._table.documents)
        weight = _single(_rarity(len(posting), document_count) * boost)
        average = _single(_single(self._token_count) / _single(document_count))
        computed: dict[tuple[int, int], float] = {}
        for document_id, count in posting.items():
            if found is not None and document_id not in found:
                continue
            length = self._entries[document_id].length
            score = computed.get((count, length))
            if score is None:
                score = computed[count, length] = _single(weight * _saturated(count, length, average))
            scores[document_id] = _single(scores.get(document_id, 0.0) + score)

    def _match(self, document_id: str, score: float) -> TextMatch:
        _, internal_id = decode_id(document_id)
        creation_time = self._entries[document_id].document.value[CREATION_TIME]
        return TextMatch(score, creation_time, internal_id, document_id)

    # Keeping up

    def _bring_up_to_date(self) -> None:
        for document_id in self._stale:
            self._refresh(document_id)
        self._stale.clear()

    def _refresh(self, document_id: str) -> None:
        document = self._table.documents.get(document_id)
        entry = self._entries.get(document_id)
        if entry is not None:
            if entry.document is document:
                return  # what was written was undone
            self._forget(document_id, entry)
        text = None if document is None else field_at(document.value, self.search_path)
        if document is not None and type(text) is str:
            self._add(document_id, document, text)

    def _add(self, document_id: str, document: StoredDocument, text: str) -> None:
        counts = Counter(tokens(text))
        conditions = tuple((path, sort_key(field_at(document.value, path))) for path in self.filter_paths)
        self._entries[document_id] = _Entry(document, counts, _rounded_length(counts.total()), conditions)
        self._token_count += counts.total()
        for word, count in counts.items():
            posting = self._postings.get(word)
            if posting is None:
                posting = self._postings[word] = {}
                self._vocabulary = None
            posting[document_id] = count
        for condition in conditions:
            self._filtered.setdefault(condition, set()).add(document_id)

    def _forget(self, document_id: str, entry: _Entry) -> None:
        del self._entries[document_id]
        self._token_count -= entry.counts.total()
        for word in entry.counts:
            del self._postings[word][document_id]
            if not self._postings[word]:
                del self._postings[word]
                self._vocabulary = None
        for condition in entry.conditions:
            self._filtered[condition].discard(document_id)
            if not self._filtered[condition]:
                del self._filtered[condition]


def _rounded_length(count: int) -> int:
    """The number of words, rounded down to one of the 256 lengths."""
    return _LENGTHS[bisect_right(_LENGTHS, count) - 1]


def _rarity(found: int, document_count: int) -> float:
    """How much a word weighs that ``found`` of all documents hold."""
    ratio = _single(_single(_single(document_count - found) + 0.5) / _single(_single(found) + 0.5))
    return _single(_single(math.log(_single(1.0 + ratio))) * _single(1.0 + _K1))


def _saturated(count: int, length: int, average: float) -> float:
    """How much a word counts in a text of ``length`` words that holds it ``count`` times; below 1."""
    relative = _single(_single(_B * length) / average)
    norm = _single(_K1 * _single(1.0 - _B + relative))
    return _single(count / _single(count + norm))

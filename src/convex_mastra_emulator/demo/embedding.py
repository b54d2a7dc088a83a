"""A small deterministic embedding: words and their parts, hashed into 64 signed buckets.

No model and no download; good enough to find the chunk that shares words with a question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

DIMENSIONS = 64
_WORD = re.compile(r"[a-z0-9]+")
_COMMON = {"a", "an", "and", "are", "as", "at", "be", "by", "do", "for", "how", "in", "is", "it", "no", "not", "of"}
_COMMON |= {"i", "on", "or", "that", "the", "to", "what", "with"}


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        if word not in _COMMON:
            yield word
            # Parts let `transactions` meet `transaction`.
            yield from (word[start : start + 4] for start in range(len(word) - 3))


def embed(text: str) -> list[float]:
    """The embedding of a text; the same text always has the same."""
    vector = [0.0] * DIMENSIONS
    for feature in _features(text):
        digest = hashlib.blake2b(feature.encode(), digest_size=2).digest()
        vector[digest[0] % DIMENSIONS] += 1.0 if digest[1] % 2 else -1.0
    return vector


def chunks_of(text: str, *, size_max: int = 600) -> list[str]:
    """Paragraphs of a text, joined up to ``size_max`` characters."""
    chunks: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        paragraph = paragraph.strip()
        if chunks and len(chunks[-1]) + len(paragraph) + 2 <= size_max:
            chunks[-1] = f"{chunks[-1]}\n\n{paragraph}"
        elif paragraph:
            chunks.append(paragraph)
    return chunks

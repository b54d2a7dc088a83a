"""What `nativeVector:read` hands out of a document that was found; the rest of the store is in its own modules."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexNativeVector

DOCS = "docs_vectors"
SEARCH, READ = "mastra/nativeVector:query", "mastra/nativeVector:read"
CONFIG = {"tableName": DOCS, "vectorIndexName": "by_embedding"}


def read_back(deployment: Deployment, **options: Any) -> dict[str, Any]:
    """The one document that is found, as the function reads it."""
    found = deployment.action(SEARCH, {"config": CONFIG, "vector": [1.0, 0.0, 0.0]})
    ids = [row["id"] for row in found]
    [document] = deployment.query(READ, {"op": "getByConvexIds", "config": CONFIG, "ids": ids, **options})
    assert isinstance(document, dict)
    return document


# A vector of 1536 numbers is fourteen kilobytes: whoever does not ask for it must not pay for its way.
@pytest.mark.parametrize("options", [{}, {"includeVector": False}], ids=["by-default", "refused"])
def test_the_vector_stays_behind_unless_it_is_asked_for(
    convex_native_vector: ConvexNativeVector, convex_deployment: Deployment, options: Any
) -> None:
    convex_native_vector.upsert(DOCS, ids=["v"], vectors=[[3.0, 4.0, 0.5]], metadata=[{"text": "hello"}])

    document = read_back(convex_deployment, **options)

    assert "embedding" not in document
    assert document["metadata"] == {"text": "hello"}


def test_the_vector_comes_as_it_was_stored(
    convex_native_vector: ConvexNativeVector, convex_deployment: Deployment
) -> None:
    convex_native_vector.upsert(DOCS, ids=["v"], vectors=[[3.0, 4.0, 0.5]])

    assert read_back(convex_deployment, includeVector=True)["embedding"] == [3.0, 4.0, 0.5]

"""The conformance suite's schema is the one that `convex/schema.ts` deploys."""

from pytest_mastra_convex.conformance_schema import PATH, exported_schema
from pytest_mastra_convex.node_project import Oracle


# After a change of convex/schema.ts: make conformance-schema.
def test_schema_file_is_the_exported_one(oracle: Oracle) -> None:
    assert PATH.read_text(encoding="utf-8") == exported_schema(oracle)

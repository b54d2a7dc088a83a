"""All faults of the mutation run."""

from tests.craft.mutations import (
    documents,
    files,
    mastra,
    node,
    protocol,
    reading,
    runtime,
    scheduling,
    texts,
    values,
    vectors,
)

FAULTS = (
    *values.FAULTS,
    *documents.FAULTS,
    *reading.FAULTS,
    *vectors.FAULTS,
    *texts.FAULTS,
    *runtime.FAULTS,
    *scheduling.FAULTS,
    *files.FAULTS,
    *mastra.FAULTS,
    *protocol.FAULTS,
    *node.FAULTS,
)

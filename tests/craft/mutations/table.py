"""All faults of the mutation run."""

from tests.craft.mutations import documents, mastra, protocol, reading, runtime, scheduling, texts, values, vectors

FAULTS = (
    *values.FAULTS,
    *documents.FAULTS,
    *reading.FAULTS,
    *vectors.FAULTS,
    *texts.FAULTS,
    *runtime.FAULTS,
    *scheduling.FAULTS,
    *mastra.FAULTS,
    *protocol.FAULTS,
)

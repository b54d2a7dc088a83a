"""One file per claim: each measures a ratio against a peer or a physical limit in the same run and prints it."""

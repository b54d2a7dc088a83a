.PHONY: check test bench differential ledger conformance-schema mutations fuzz load
check:
	ruff check .
	ruff format --check .
	mypy
test:
	pytest -n 2 --dist loadgroup
bench:
	python -m benchmarks
# Faults are put into copies of the source, one at a time; the conformance suite must notice each.
mutations:
	python -m tests.craft.mutation_run
# When each conformance case last held, and on which target.
ledger:
	pytest src/pytest_mastra_convex/conformance -n 2 --convex-ledger src/pytest_mastra_convex/ledger.json
# The tables of convex/schema.ts, as the emulator reads them.
conformance-schema:
	python -m pytest_mastra_convex.conformance_schema

# Fresh programs on the emulator and the oracle; SEED repeats a run, a failing program is made small.
STEPS ?= 200000
SEED ?= $(shell date +%s)
differential:
	STEPS=$(STEPS) SEED=$(SEED) pytest -n 2 -v --timeout=0 tests/differential/test_machine.py

# What reads bytes of strangers, longer than the tests do; SEED repeats a run.  atheris, where it is installed, follows
# the paths through the code, FUZZ_SECONDS for each reader.
FUZZ_SECONDS ?= 60
fuzz:
	EXAMPLES=20000 SEED=$(SEED) pytest -v --timeout=0 tests/fuzz
	EXAMPLES=300 SEED=$(SEED) pytest -v --timeout=0 tests/server/test_described_api.py
	if python -c "import atheris" 2>&1; then FUZZ_SECONDS=$(FUZZ_SECONDS) python -m tests.fuzz.coverage_guided; fi

# A server under load; every counter must be right in the end, and nothing left behind.
REQUESTS ?= 100000
load:
	REQUESTS=$(REQUESTS) python -m tests.server.load

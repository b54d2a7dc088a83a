"""Everything that reads bytes of strangers, under bytes at random and under right ones with a few changes.

What must hold is in `targets.py`: only the refusals that are meant, and nothing half done.  EXAMPLES makes it longer
(`make fuzz`), SEED another.
"""

import io
import os
import time

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.data.refusals import ImportRefused
from tests.fuzz.changes import PIECES, changed
from tests.fuzz.targets import EXAMPLES, TARGETS, zip_of

NUMBER = int(os.environ.get("EXAMPLES", "150"))
SEED = int(os.environ.get("SEED", "1"))
ONE_SECONDS_MAX = 5.0


def inputs(name: str) -> st.SearchStrategy[bytes]:
    right = st.sampled_from(EXAMPLES[name])
    nearly_right = st.builds(changed, right, st.integers(0, 2**32), st.integers(1, 6))
    pieced = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=12).map(b"".join)
    return st.one_of(nearly_right, nearly_right, pieced, st.binary(max_size=200))


@pytest.mark.parametrize("name", TARGETS)
def test_right_input_is_taken(name: str) -> None:
    for data in EXAMPLES[name]:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_unexpected_is_raised(name: str) -> None:
    @settings(
        max_examples=NUMBER,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @hypothesis.seed(SEED)
    @given(inputs(name))
    def read(data: bytes) -> None:
        started = time.perf_counter()
        TARGETS[name](data)
        # What takes long for little is a way to keep a server busy.
        assert time.perf_counter() - started < ONE_SECONDS_MAX

    read()


# Little to send, much to do


@pytest.mark.parametrize(
    "piece",
    [
        b"[",
        b'{"type":',
        b"\\",
        b"1",
        b"a",
        b".",
        b"-",
        b"\n",
        b",",
        b'"',
        b"/",
        b"%2F",
        b"1.1.1-",
        b"[],",
        b'"",',
        b'{"a":1},',
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", TARGETS)
def test_much_of_one_thing_does_not_take_long(name: str, piece: bytes) -> None:
    begin, end = LONG.get(name, (b"", b""))
    size = 4_000 if name.startswith("import_") else 30_000  # each row has its error to be told
    started = time.perf_counter()

    for before, after in ((b"", b""), (b"[", b"1]"), (b'"', b'"'), (begin, end)):
        TARGETS[name](before + piece * (size // len(piece)) + after)

    assert time.perf_counter() - started < ONE_SECONDS_MAX


# Where in a right one the long part stands.
LONG = {
    "bodies": (b'{"args":{},"path":"', b'"}'),
    "authorizations": (b"Convex fuzz|key:", b""),
    "tokens": (b"e30.", b".c"),
    "client_versions": (b"npm-", b""),
    "sync_messages": (b'{"type":"Mutation","requestId":0,"args":[{}],"udfPath":"', b'"}'),
    "sessions": (b'{"type":"Mutation","requestId":0,"args":[{"a":[', b']}],"udfPath":"notes:add"}'),
    "requests": (b'POST\n/api/mutation\n\n{}\n{"path":"notes:add","args":{"a":"', b'"}}'),
    "import_csv": (b"a,b\n", b""),
}


def test_a_zip_that_unpacks_to_too_much_is_refused(emulator: Emulator) -> None:
    bomb = zip_of([(f"t{number}/documents.jsonl", bytes(8 << 20)) for number in range(33)])

    with pytest.raises(ImportRefused, match=r"the ZIP of [\d,]+ bytes would unpack to 276,824,064 bytes"):
        emulator.import_zip(io.BytesIO(bomb))

    assert len(bomb) < 1 << 20


# Rows that repeat themselves are no bomb.
def test_a_zip_that_packs_well_is_taken(emulator: Emulator) -> None:
    rows = 2_000 * b'{"text":"the same again"}\n'

    emulator.import_zip(io.BytesIO(zip_of([("notes/documents.jsonl", rows)])))

    assert emulator.table_counts() == {"notes": 2_000}

"""Calls that faults strike, held against a plain model: stored if and only if no fault refused it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.errors import EmulatorError
from tests.runtime.test_struck_calls import FUNCTIONS, stored

ERRORS = (
    None,
    "write_conflict",
    "overloaded",
    "rate_limited",
    "refused",
    "internal",
    "connection_cut",
    "answer_lost",
    "malformed_json",
    ValueError,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(["notes:add", "notes:act"])),
        st.tuples(
            st.just("fail"),
            st.sampled_from(["notes:add", "notes:act", "notes:*", "*"]),
            st.sampled_from(ERRORS[1:]),
            st.integers(1, 6),
            st.integers(0, 3),
        ),
    ),
    max_size=12,
)


class Model:
    """The faults once more, plainly: lists of `[path, error, times left, calls to pass]`."""

    def __init__(self) -> None:
        self.faults: list[list[Any]] = []
        self.stored = 0

    def strike(self, path: str, kinds: tuple[Any, ...]) -> Any:
        for fault in self.faults:
            if fault[0] not in (path, "notes:*", "*") or fault[1] not in kinds or fault[2] == 0:
                continue
            if fault[3] > 0:
                fault[3] -= 1
                continue
            fault[2] -= 1
            return fault[1]
        return None

    def commits(self) -> bool:
        for _ in range(5):
            if self.strike("notes:add", ("write_conflict",)) is None:
                self.stored += 1
                return True
        return False

    def call(self, path: str) -> bool:
        """Whether the caller gets an answer, and a good one."""
        refusing = ("overloaded", "rate_limited", "refused", "internal", ValueError)
        struck = self.strike(path, (*refusing, "connection_cut", "answer_lost", "malformed_json"))
        if struck in (*refusing, "connection_cut"):
            return False
        if path == "notes:act" and self.strike("notes:add", refusing) is not None:
            return False
        return self.commits() and struck is None


@given(steps=STEPS)
def test_what_is_stored_is_what_no_fault_refused(steps: list[tuple[Any, ...]]) -> None:
    convex, model = Emulator(), Model()
    for path in ("notes:add", "notes:act"):
        convex.define(path, FUNCTIONS[path])
    for step in steps:
        if step[0] == "fail":
            _, path, error, times, after = step
            convex.faults.fail(path, error, times=times, after=after)
            model.faults.append([path, error, times, after])
            continue
        try:
            convex.mutation(step[1]) if step[1] == "notes:add" else convex.action(step[1])
            is_answered = True
        except EmulatorError:
            is_answered = False

        assert is_answered is model.call(step[1])
        assert stored(convex) == model.stored
        assert len(convex.run(lambda ctx: ctx.db.query("notes").collect())) == model.stored

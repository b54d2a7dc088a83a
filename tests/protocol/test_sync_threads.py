"""Sockets of one deployment in several threads, as a server runs them: nobody waits for somebody who waits for them."""

import json
import sys
import threading
import time
from typing import Any

from convex_mastra_emulator import Emulator, mutation
from tests.protocol.sync_client import SESSION_ID, api_of

WAIT_SECONDS_MAX = 20
MUTATION = json.dumps({"type": "Mutation", "requestId": 0, "udfPath": "notes:add", "args": [{}]})


def functions_of(thread: threading.Thread) -> list[str]:
    """What a thread is inside of."""
    names = []
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


# The server takes the emulator's lock before it hands a message to a session, or, when somebody else has it, hands the
# message to a thread: with a lock of its own in between, two sockets could stop the whole server for ever.
def test_mutations_of_two_sockets_do_not_wait_for_each_other(emulator: Emulator) -> None:
    emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", {})))
    open_session = api_of(emulator).sync_endpoint("/api/sync", None)
    assert open_session is not None
    first, second = open_session(lambda: None), open_session(lambda: None)
    first.receive(json.dumps({"type": "Connect", "sessionId": SESSION_ID}))
    second.receive(json.dumps({"type": "Connect", "sessionId": SESSION_ID.replace("e", "f")}))
    beside = threading.Thread(target=second.receive, args=(MUTATION,), daemon=True)

    def hold_and_receive() -> None:
        assert emulator.lock.acquire(blocking=False)
        beside.start()
        ends = time.monotonic() + WAIT_SECONDS_MAX
        while "_call" not in functions_of(beside) and time.monotonic() < ends:
            time.sleep(0.001)
        first.receive(MUTATION)
        emulator.lock.release()

    holding = threading.Thread(target=hold_and_receive, daemon=True)
    holding.start()
    holding.join(WAIT_SECONDS_MAX)
    beside.join(WAIT_SECONDS_MAX)

    assert emulator.table_counts() == {"notes": 2}


# A client that comes back while its mutation still runs sends it again: it must wait for the answer, not run twice.
def test_a_mutation_sent_again_while_it_runs_runs_once(emulator: Emulator) -> None:
    running, may_end = threading.Event(), threading.Event()

    def add(ctx: Any, args: Any) -> None:
        running.set()
        may_end.wait(WAIT_SECONDS_MAX)
        ctx.db.insert("notes", {})

    emulator.define("notes:add", mutation(add))
    open_session = api_of(emulator).sync_endpoint("/api/sync", None)
    assert open_session is not None
    answers: list[str] = []

    def send() -> None:
        session = open_session(lambda: None)
        session.receive(json.dumps({"type": "Connect", "sessionId": SESSION_ID}))
        answers.extend(str(output) for output in session.receive(MUTATION))

    threads = [threading.Thread(target=send, daemon=True) for _ in range(2)]
    threads[0].start()
    assert running.wait(WAIT_SECONDS_MAX)
    threads[1].start()
    may_end.set()
    for thread in threads:
        thread.join(WAIT_SECONDS_MAX)

    assert emulator.table_counts() == {"notes": 1}
    assert len(answers) == 2
    assert answers[0] == answers[1]

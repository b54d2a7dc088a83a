"""Faults on the way to functions in TypeScript and back; the suite runs on the target ``typescript``."""

from functools import partial

from tests.craft.mutations.fault import Fault

_Fault = partial(Fault, target="typescript")
_PREFETCH = "runtime/node/prefetch.py"
_SYSCALLS = "runtime/node/transaction_syscalls.py"
_ACTIONS = "runtime/node/action_syscalls.py"
_STREAMS = "runtime/node/query_streams.mjs"
_TRANSACTIONS = "runtime/node/transactions.mjs"

FAULTS = (
    _Fault(
        "documents that were fetched ahead count as read",
        _PREFETCH,
        "            if not rows:\n                self._take(step)",
        "            if True:\n                self._take(step)",
        "whoever stops at the first document that fits",
        ("read_limits", "reading_too_much", "full_takes"),
    ),
    _Fault(
        "a batch is said to be the last",
        _PREFETCH,
        "                self._held = step\n                return rows, False\n            self._ahead.append(step)",
        "                self._held = step\n                return rows, True\n            self._ahead.append(step)",
        "whoever collects more than a hundred documents",
        ("many_rows", "reading"),
    ),
    _Fault(
        "a document of a batch is left out",
        _STREAMS,
        "const [state, ...rows] = answer.split",
        "const [state, , ...rows] = answer.split",
        "whoever reads a table",
        ("reading",),
    ),
    _Fault(
        "a limit that a batch reaches is told before its row is wanted",
        _PREFETCH,
        "                self._held = step\n                return rows, False\n            if step.row is None",
        "                self._take(step)\n                return rows, False\n            if step.row is None",
        "whoever reads just as much as may be read",
        ("read_limits", "reading_too_much"),
    ),
    _Fault(
        "the data of an error is lost on its way to the function",
        _SYSCALLS,
        "            raise Refusal(str(error), encode(error.data)) from error",
        "            raise Refusal(str(error)) from error",
        "whoever catches a ConvexError of a function that was called",
        ("called_functions", "functions"),
    ),
    _Fault(
        "a patch takes undefined for a value",
        _SYSCALLS,
        "decode_or_undefined(item, self._limits)",
        "decode(item, self._limits)",
        "whoever takes a field away",
        ("rewrites", "write_errors"),
    ),
    _Fault(
        "scheduled functions run a second later",
        _SYSCALLS,
        'round(request["ts"] * 1000, 3)',
        'round(request["ts"] * 1000 + 1000, 3)',
        "whoever schedules",
        ("scheduled_functions",),
    ),
    _Fault(
        "a search is given without its filter",
        _ACTIONS,
        'read_vector_filter(query.get("expressions"), self._limits)',
        "None",
        "whoever searches the memories of one user",
        ("vector_filters", "native_vector_reads"),
    ),
    _Fault(
        "scores are those of the row behind",
        _ACTIONS,
        '[{"_id": document_id, "_score": score} for document_id, score in found]',
        '[{"_id": document_id, "_score": score} for (document_id, _), (_, score) in zip(found, found[1:] + found[:1])]',
        "whoever sorts by score",
        ("vector_search",),
    ),
    _Fault(
        "functions see the time of the epoch",
        _TRANSACTIONS,
        "  const ended = makeDeterministic(request);\n  let kind",
        "  const ended = makeDeterministic({ ...request, nowMs: 0 });\n  let kind",
        "whoever stores Date.now()",
        ("functions", "called_functions"),
    ),
)

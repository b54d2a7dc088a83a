"""Faults in what goes over the wire: the HTTP function API and live queries."""

from tests.craft.mutations.fault import Fault

_HTTP = "protocol/http.py"
_MESSAGES = "protocol/messages.py"
_QUERY_SET = "protocol/query_set.py"
_SYNC = "protocol/sync.py"

FAULTS = (
    Fault(
        "the data of an error is not sent",
        _HTTP,
        '                answer["errorData"] = export(outcome.failure.data)',
        "                pass",
        "whoever catches ConvexError in a client",
        ("http_calls",),
    ),
    Fault(
        "log lines are not sent",
        _HTTP,
        "if outcome.log_lines and not is_redacted:",
        "if False:",
        "whoever debugs with console.log",
        ("http_calls",),
    ),
    Fault(
        "any kind of function runs without a key",
        _HTTP,
        "        identity = self._identify(exchange)\n        require_admin(identity)\n",
        "        identity = self._identify(exchange)\n",
        "whoever relies on /api/function being for administrators",
        ("http_callers", "http_calls"),
    ),
    Fault(
        "bodies of any type are read",
        _MESSAGES,
        'if not _is_json(request.headers.get("content-type", "")):',
        "if False:",
        "whoever writes a client by hand",
        ("http_refusals",),
    ),
    Fault(
        "every call answers tagged values",
        _HTTP,
        "return exchange.default_format if call.format is None else call.format",
        'return "convex_encoded_json"',
        "whoever asks for plain JSON with curl",
        ("http_formats",),
    ),
    Fault(
        "a wrong admin key is nobody's",
        "protocol/auth.py",
        "if not any(_equal(key, accepted) for accepted in self._accepted):",
        "if False:",
        "whoever keeps the admin key secret",
        ("http_callers",),
    ),
    Fault(
        "a list of arguments is one argument",
        _MESSAGES,
        "positional = args if isinstance(args, list) else [args]",
        "positional = [args]",
        "whoever uses an older client, which sends a list",
        ("http_calls",),
    ),
    Fault(
        "an origin is not answered",
        "protocol/cors.py",
        '("access-control-allow-origin", origin)',
        '("access-control-allow-origin", "null")',
        "everybody in a browser",
        ("http_callers", "http_calls"),
    ),
    Fault(
        "a batch runs each query at its own time",
        _HTTP,
        "self._result(exchange, call, FunctionKind.QUERY, identity, at_ns=at_ns) for call in calls]",
        "self._result(exchange, call, FunctionKind.MUTATION, identity) for call in calls]",
        "whoever sends several queries at once",
        ("http_query_batches",),
    ),
    Fault(
        "a mutation that is sent again runs again",
        _SYNC,
        "outcome = self._requests.find(session_id, message.request_id)",
        "outcome = None",
        "whoever loses the connection while sending",
        ("sync_messages",),
    ),
    Fault(
        "a query that did not change is told again",
        _QUERY_SET,
        "if digest != query.told:",
        "if True:",
        "whoever renders at every update",
        ("sync_messages",),
    ),
    Fault(
        "live queries run once",
        _QUERY_SET,
        "            self._emulator.watch(query.subscription)\n",
        "            pass\n",
        "everybody who shows a live list",
        ("subscriptions",),
    ),
    Fault(
        "queries that failed are not watched",
        "runtime/executor.py",
        "            read_set=transaction.read_set,\n",
        "            read_set=transaction.read_set if failure is None else None,\n",
        "whoever waits for a missing record to appear",
        ("subscriptions", "subscription_sets"),
    ),
    Fault(
        "a query set may begin at any version",
        _SYNC,
        "        if message.base_version != current:\n            return fatal(",
        "        if False:\n            return fatal(",
        "whoever writes a client by hand",
        ("sync_messages",),
    ),
)

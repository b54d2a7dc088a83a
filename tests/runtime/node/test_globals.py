"""What functions find in ``globalThis``: what a deployment's runtime has, nothing of Node's, and that it works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Clock, Emulator, FetchRequest, FetchResponse, FunctionError, ManualClock, SystemClock

Write = Callable[..., Path]

# npm-packages/udf-runtime/src: what each of its files sets up.
PRESENT = (
    "AbortController AbortSignal AsyncLocalStorage AsyncResource Blob Crypto CryptoKey DOMException Event "
    "EventTarget File FinalizationRegistry FormData Headers Performance PerformanceEntry PerformanceMark "
    "PerformanceMeasure ReadableStream ReadableStreamBYOBReader ReadableStreamDefaultReader Request Response "
    "SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream URL URLSearchParams "
    "WeakRef WebAssembly WritableStream WritableStreamDefaultWriter atob btoa clearInterval clearTimeout console "
    "crypto fetch performance process self setInterval setTimeout structuredClone"
)
ABSENT = (
    "Buffer BroadcastChannel CompressionStream EventSource MessageChannel WebSocket __dirname clearImmediate "
    "global navigator queueMicrotask require setImmediate"
)

KINDS = """
const missing = (names: string) =>
  names.split(" ").filter((name) => typeof (globalThis as any)[name] === "undefined").join(" ");
export const q = query(async (_, { names }: any) => missing(names));
export const m = mutation(async (_, { names }: any) => missing(names));
export const a = action(async (_, { names }: any) => missing(names));
"""


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_the_default_runtime_has_what_a_deployments_has(convex: Emulator, write: Write, kind: str) -> None:
    convex.deploy(write(a=KINDS))

    assert getattr(convex, kind)(f"a:{kind[0]}", {"names": PRESENT}) == ""


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_the_default_runtime_has_nothing_of_nodes(convex: Emulator, write: Write, kind: str) -> None:
    convex.deploy(write(a=KINDS))

    assert getattr(convex, kind)(f"a:{kind[0]}", {"names": ABSENT}) == ABSENT


def test_a_module_may_define_what_node_has(convex: Emulator, write: Write) -> None:
    source = """
(globalThis as any).global = globalThis;
export const f = action(async () => [(globalThis as any).global === globalThis, await new Response("x").text()]);
"""
    convex.deploy(write(a=source))

    assert convex.action("a:f") == [True, "x"]


WEB: list[tuple[str, Any]] = [
    ('new URL("http://example.com/a b?x=1#y").href', "http://example.com/a%20b?x=1#y"),
    ('[...new URLSearchParams("a=1&a=2").getAll("a")]', ["1", "2"]),
    ('new TextDecoder().decode(new TextEncoder().encode("grüße"))', "grüße"),
    ('[atob("aGk="), btoa("hi")]', ["hi", "aGk="]),
    ('structuredClone(new Map([["a", { b: [1] }]])).get("a")', {"b": [1.0]}),
    ('await new Blob(["ab", new Uint8Array([99])]).text()', "abc"),
    ("(await new Response(JSON.stringify({ a: 1 })).json()).a", 1.0),
    ('await new Request("http://x/", { method: "POST", body: "hello" }).text()', "hello"),
    ('[...new Headers([["B", "2"], ["a", "1"]])].flat()', ["a", "1", "b", "2"]),
    (
        'await (async () => { const form = new FormData(); form.append("f", new File(["zz"], "n.txt")); '
        'return await (await new Response(form).formData() as any).get("f").text(); })()',
        "zz",
    ),
    (
        'await new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("hi")); c.close(); } })'
        ".pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).text()",
        "hi",
    ),
    (
        '[...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x")))].slice(0, 3)',
        [45.0, 113.0, 22.0],
    ),
    ("[crypto.randomUUID().length, crypto.getRandomValues(new Uint8Array(4)).length]", [36.0, 4.0]),
    ("new Date(0).toString().slice(0, 33)", "Thu Jan 01 1970 00:00:00 GMT+0000"),
    ("new WeakRef(Array).deref() === Array", True),
    ("typeof new FinalizationRegistry(() => 1).register", "function"),
    ('new AsyncLocalStorage().run(5, () => "ran")', "ran"),
    ("globalThis === self", True),
    ('new Intl.NumberFormat("en").format(1234.5)', "1,234.5"),
]


@pytest.fixture
def deployed(convex: Emulator, write: Write) -> Emulator:
    bodies = "\n".join(
        f"export const q{n} = query(async () => {body});\nexport const a{n} = action(async () => {body});"
        for n, (body, _) in enumerate(WEB)
    )
    convex.deploy(write(a="declare const AsyncLocalStorage: any;\n" + bodies))
    return convex


def test_web_apis_work_in_queries(deployed: Emulator) -> None:
    assert [deployed.query(f"a:q{n}") for n in range(len(WEB))] == [expected for _, expected in WEB]


def test_web_apis_work_in_actions(deployed: Emulator) -> None:
    assert [deployed.action(f"a:a{n}") for n in range(len(WEB))] == [expected for _, expected in WEB]


# Time and chance


def test_actions_see_the_emulators_clock(convex: Emulator, write: Write) -> None:
    source = """
export const now = action(async () => [Date.now(), new Date().getTime()]);
export const later = action(async (ctx) => { await ctx.scheduler.runAt(Date.now() + 1000, call("a:note"), {}); });
export const note = internalMutation(async (ctx) => { await ctx.db.insert("notes", { at: Date.now() }); });
"""
    convex.deploy(write(a=source))
    assert isinstance(convex.clock, ManualClock)
    start_ms = convex.clock.now_ns() / 1e6

    assert convex.action("a:now") == [start_ms, start_ms]
    convex.action("a:later")
    convex.clock.advance(1)

    assert convex.action("a:now") == [start_ms + 1000, start_ms + 1000]
    assert convex.run(lambda ctx: [note["at"] for note in ctx.db.query("notes").collect()]) == [start_ms + 1000]


def test_an_action_sees_the_clock_move_while_it_runs(convex: Emulator, write: Write) -> None:
    source = """
export const f = action(async () => {
  const start = Date.now();
  await fetch("https://slow.example/");
  return Date.now() - start;
});
"""
    convex.deploy(write(a=source))
    clock = convex.clock
    assert isinstance(clock, ManualClock)

    def answer(_: FetchRequest) -> FetchResponse:
        clock.advance(5)
        return FetchResponse.of(text="slow")

    convex.fetch.respond("https://slow.example/", answer)

    assert convex.action("a:f") == 5000.0


# Copies run the functions in the same process of Node, and may each have another kind of clock.
@pytest.mark.parametrize(
    ("deployed_by", "called_by", "moves"),
    [(ManualClock(), SystemClock(), True), (SystemClock(), ManualClock(), False)],
    ids=["running", "standing"],
)
def test_actions_of_a_copy_see_its_own_clock(write: Write, deployed_by: Clock, called_by: Clock, moves: bool) -> None:
    source = """
export const nap = action(async () => {
  const start = Date.now();
  await new Promise((wake) => setTimeout(wake, 20));
  return Date.now() - start;
});
"""
    with Emulator(clock=deployed_by) as template:
        template.deploy(write(a=source))

        slept_ms = template.clone(clock=called_by).action("a:nap")

    assert (slept_ms > 0) is moves


def test_chance_in_actions_comes_from_the_seed(write: Write) -> None:
    source = """
export const f = action(async () => [Math.random(), crypto.randomUUID(), ...crypto.getRandomValues(new Uint8Array(2))]);
"""

    def drawn(seed: int) -> Any:
        with Emulator(seed=seed) as convex:
            convex.deploy(write(a=source))
            return [convex.action("a:f"), convex.action("a:f")]

    first, second = drawn(7)
    assert [first, second] == drawn(7)
    assert first != second
    assert drawn(8) != [first, second]


def test_modules_are_loaded_at_the_time_of_the_deploy(convex: Emulator, write: Write) -> None:
    source = """
const loaded = [Date.now(), Math.random(), crypto.randomUUID()];
export const f = query(async () => loaded);
"""
    convex.deploy(write(a=source))

    now_ms, number, uuid = convex.query("a:f")

    assert now_ms == convex.clock.now_ns() / 1e6
    assert 0 < number < 1
    assert uuid[14] == "4"


@pytest.mark.parametrize(
    "use", ["setInterval(() => 1, 1)", 'await crypto.subtle.generateKey("Ed25519", true, ["sign"])']
)
def test_what_cannot_be_repeated_is_forbidden_in_queries(convex: Emulator, write: Write, use: str) -> None:
    convex.deploy(write(a=f"export const f = query(async () => {{ {use}; }});"))

    with pytest.raises(FunctionError, match=r"in queries and mutations\. Please"):
        convex.query("a:f")


# fetch


def test_fetch_fails_as_a_type_error(convex: Emulator, write: Write) -> None:
    source = """
export const f = action(async () => {
  try { await fetch("https://down.example/"); } catch (error: any) { return [error.constructor.name, error.message]; }
});
"""
    convex.deploy(write(a=source))
    convex.fetch.fail("https://down.example/", text="nobody there")

    assert convex.action("a:f") == ["TypeError", "nobody there"]


# An assertion that fails where a test answers must end the action, not leave it waiting for ever.
def test_a_handler_that_raises_fails_the_fetch(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a='export const f = action(async () => { await fetch("https://x.example/"); });'))

    def answer(request: FetchRequest) -> FetchResponse:
        raise AssertionError(f"not expected: {request}")

    convex.fetch.respond("https://x.example/", answer)

    with pytest.raises(FunctionError, match=r"Uncaught TypeError: not expected: GET https://x\.example/"):
        convex.action("a:f")


def test_fetch_of_what_nothing_was_prepared_for_says_so(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a='export const f = action(async () => { await fetch("https://x.example/"); });'))

    with pytest.raises(FunctionError, match="nothing was prepared for it, and the emulator lets nothing out"):
        convex.action("a:f")


@pytest.mark.parametrize(
    ("redirect", "expected"), [("follow", [200.0, "https://x.example/new", True]), ("manual", [302.0, "", False])]
)
def test_redirects_are_followed_as_the_request_asks(
    convex: Emulator, write: Write, redirect: str, expected: list[Any]
) -> None:
    source = """
export const f = action(async (_, { redirect }: any) => {
  const response = await fetch("https://x.example/old", { redirect });
  return [response.status, response.redirected ? response.url : "", response.redirected];
});
"""
    convex.deploy(write(a=source))
    convex.fetch.respond("https://x.example/old", status=302, headers={"location": "/new"})
    convex.fetch.respond("https://x.example/new", text="new")

    assert convex.action("a:f", {"redirect": redirect}) == expected


def test_an_aborted_fetch_ends_at_once(convex: Emulator, write: Write) -> None:
    source = """
export const f = action(async () => {
  const controller = new AbortController();
  const fetched = fetch("https://slow.example/", { signal: controller.signal });
  setTimeout(() => controller.abort(), 10);
  try { await fetched; } catch (error: any) { return error.name; }
});
"""
    convex.deploy(write(a=source))
    over = threading.Event()

    def answer(_: FetchRequest) -> FetchResponse:
        over.wait(30)
        return FetchResponse.of(text="late")

    convex.fetch.respond("https://slow.example/", answer)
    try:
        assert convex.action("a:f") == "AbortError"
    finally:
        over.set()

"""The fixtures as a project sees them: empty deployments, whatever the target, and nothing left behind."""

from __future__ import annotations

import pytest

ALL = ["--convex-target=emulator", "--convex-target=server", "--convex-target=oracle"]
SAVE = """
from datetime import UTC, datetime
from convex_mastra_emulator.stores import Thread

def thread(id):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Thread(id=id, resource_id="r", title="t", metadata={}, created_at=now, updated_at=now)
"""


def run(pytester: pytest.Pytester, source: str, *args: str) -> pytest.RunResult:
    pytester.makepyfile(records=SAVE)
    pytester.makepyfile(source)
    return pytester.runpytest("-rs", *args)


def test_every_test_begins_empty_on_every_target(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        from records import thread

        @pytest.mark.parametrize("n", range(3))
        def test_it(convex_store, n):
            assert convex_store.memory.list_threads().total == 0
            convex_store.memory.save_thread(thread=thread("a"))
            assert convex_store.memory.get_thread_by_id(thread_id="a").title == "t"
    """

    run(pytester, source, *ALL).assert_outcomes(passed=9)


def test_deployments_of_xdist_workers_do_not_meet(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        from records import thread

        @pytest.mark.parametrize("n", range(12))
        def test_it(convex_store, n):
            assert convex_store.memory.list_threads().total == 0
            convex_store.memory.save_thread(thread=thread("a"))
    """

    run(pytester, source, "-n", "4", *ALL[:2]).assert_outcomes(passed=24)


def test_vector_stores_and_cache(pytester: pytest.Pytester) -> None:
    source = """
        def test_vector(convex_vector):
            convex_vector.create_index("docs", dimension=2)
            convex_vector.upsert("docs", vectors=[[1, 0], [0, 1]], ids=["a", "b"])
            assert convex_vector.query("docs", query_vector=[0, 1], top_k=1)[0].id == "b"

        def test_cache(convex_server_cache):
            convex_server_cache.set("k", {"a": 1})
            assert convex_server_cache.get("k") == {"a": 1}
    """

    run(pytester, source, *ALL).assert_outcomes(passed=6)


def test_native_vector_knows_the_schemas_indexes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        tables="""
        from convex_mastra_emulator.schema import define_schema, define_table, v
        from convex_mastra_emulator.mastra import mastra_schema

        NOTES = define_table({"id": v.string(), "embedding": v.array(v.float64()), "metadata": v.optional(v.any()),
                              "label": v.optional(v.any())}) \\
            .index("by_record_id", ["id"]) \\
            .vector_index("by_embedding", vector_field="embedding", dimensions=2, filter_fields=["label"])
        SCHEMA = define_schema({"notes": NOTES})
    """
    )
    source = """
        def test_it(convex_native_vector):
            convex_native_vector.upsert("notes", vectors=[[1, 0], [0, 1]], ids=["a", "b"],
                                        metadata=[{"label": "x"}, {"label": "y"}])
            found = convex_native_vector.query("notes", query_vector=[1, 0], top_k=2, filter={"label": "y"})
            assert [match.id for match in found] == ["b"]
    """

    run(pytester, source, "--convex-schema=tables:SCHEMA", *ALL[:2]).assert_outcomes(passed=2)


def test_functions_of_the_option(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        functions="""
        from convex_mastra_emulator import query
        FUNCTIONS = {"sums:add": query(lambda ctx, args: args["a"] + args["b"])}
    """
    )
    source = """
        def test_it(convex_deployment):
            assert convex_deployment.query("sums:add", {"a": 1, "b": 2}) == 3
    """

    run(pytester, source, "--convex-functions=functions:FUNCTIONS", *ALL[:2]).assert_outcomes(passed=2)


def test_functions_that_cannot_be_imported_say_so(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(convex_deployment): pass", "--convex-functions=nowhere:F")

    result.stdout.fnmatch_lines(["*'nowhere:F': ModuleNotFoundError: No module named 'nowhere'*"])


def test_url_and_key_serve_the_same_deployment(pytester: pytest.Pytester) -> None:
    source = """
        from convex_mastra_emulator import connect
        from records import thread

        def test_it(convex_store, convex_url, convex_admin_key):
            from convex_mastra_emulator.stores import ConvexStore
            convex_store.memory.save_thread(thread=thread("a"))
            with connect(convex_url, convex_admin_key) as deployment:
                assert ConvexStore(deployment).memory.get_thread_by_id(thread_id="a") is not None
    """

    run(pytester, source, *ALL).assert_outcomes(passed=3)


# That client holds the GIL while it waits: served from this process, it would wait for ever.
def test_convex_client_gets_a_server_in_another_process(pytester: pytest.Pytester) -> None:
    source = """
        CALL = {"op": "increment", "key": "k", "keyPrefix": "", "expiresAt": None}

        def test_it(convex_client, convex_deployment):
            assert convex_client.mutation("mastra/cache:handle", CALL)["result"] == 1
            assert convex_deployment.mutation("mastra/cache:handle", CALL)["result"] == 2

        def test_again(convex_client):
            assert convex_client.mutation("mastra/cache:handle", CALL)["result"] == 1
    """

    result = run(pytester, source, *ALL)

    result.assert_outcomes(passed=4, skipped=2)
    result.stdout.fnmatch_lines(["*the target oracle has no WebSocket protocol*"])


def test_emulator_is_for_the_target_emulator(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(convex_emulator): pass", *ALL[:2])

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*needs the emulator in this process; this deployment is on the target server*"])


def test_usage_of_calls(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        from records import thread

        def test_it(convex_store, convex_usage):
            for n in range(3):
                convex_store.memory.save_thread(thread=thread(f"t{n}"))
            convex_store.memory.list_threads()
            assert convex_usage.last.documents_read == 3
            convex_usage.assert_reads(documents_max=3)
            with pytest.raises(AssertionError, match="3 documents read, at most 2 expected, by: mutation mastra/stor"):
                convex_usage.assert_reads(documents_max=2)
    """

    run(pytester, source).assert_outcomes(passed=1)


def test_faults_end_with_their_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def convex_template(convex_template):
            convex_template.seed(lambda deployment: None)
            return convex_template
    """)
    source = """
        import pytest
        from convex_mastra_emulator.errors import RequestRefused

        def test_one(convex_store, convex_faults):
            convex_faults.fail("mastra/*", "overloaded")
            with pytest.raises(RequestRefused, match="Too many concurrent requests"):
                convex_store.memory.list_threads()

        def test_two(convex_store, convex_emulator):
            assert list(convex_emulator.faults) == []
            convex_emulator.faults.fail("mastra/*", "overloaded")

        def test_three(convex_store):
            assert convex_store.memory.list_threads().total == 0
    """

    run(pytester, source, "-p", "no:randomly").assert_outcomes(passed=3)


# A seeded emulator serves many tests: the clock that one has moved must not be the next one's.
@pytest.mark.parametrize("seed", ["", "convex_template.seed(lambda deployment: None)"])
def test_clock_stands_still_and_is_the_tests_own(pytester: pytest.Pytester, seed: str) -> None:
    pytester.makeconftest(f"""
        import pytest

        @pytest.fixture(scope="session")
        def convex_template(convex_template):
            {seed}
            return convex_template
    """)
    source = """
        import pytest
        from records import thread

        @pytest.mark.parametrize("n", range(3))
        def test_it(convex_store, convex_clock, convex_emulator, n):
            assert convex_clock is convex_emulator.clock
            assert convex_clock.now_ns() == 1_700_000_000 * 10**9
            convex_store.memory.save_thread(thread=thread("a"))
            convex_clock.advance(3600)
            assert convex_store.memory.list_threads().total == 1

        def test_without_it_time_runs(convex_emulator):
            assert convex_emulator.clock.now_ns() > 1_750_000_000 * 10**9
    """

    run(pytester, source).assert_outcomes(passed=4)


def test_clock_and_faults_are_of_the_emulator_only(pytester: pytest.Pytester) -> None:
    source = """
        def test_clock(convex_clock): ...
        def test_faults(convex_faults): ...
    """

    result = run(pytester, source, "--convex-target=server")

    result.assert_outcomes(skipped=2)


def test_clock_that_comes_too_late_is_told(pytester: pytest.Pytester) -> None:
    source = """
        def test_it(convex_emulator, request):
            request.getfixturevalue("convex_clock")
    """

    result = run(pytester, source)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*convex_clock must stand among the arguments of the test or of its fixtures*"])


def test_factory_is_repeatable(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_it(mastra_factory):
            print("THREAD", mastra_factory.thread())
    """)

    runs = [[line for line in pytester.runpytest("-s").outlines if "THREAD" in line] for _ in range(2)]

    assert runs[0] == runs[1] != []


# What the reader of a red run wants to know first: what was asked and what came back.
@pytest.mark.parametrize("target", ALL)
def test_failure_shows_the_calls(pytester: pytest.Pytester, target: str) -> None:
    source = """
        def test_it(convex_server_cache):
            convex_server_cache.set("the-key", 1)
            assert convex_server_cache.get("the-key") == 2
    """

    result = run(pytester, source, target)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Convex calls on the target*", "*mutation mastra/cache:handle*the-key*-> *"])


def test_header_says_target_and_versions(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(*ALL[:2])

    result.stdout.fnmatch_lines(["convex: target emulator, server (mirrors @mastra/convex 1.5.2, convex 1.48.0)"])


# One target: names of tests stay as they are, so that projects' lists of tests do not change with the plugin.
def test_names_carry_the_target_only_when_there_are_several(pytester: pytest.Pytester) -> None:
    source = "def test_it(convex_deployment): pass\ndef test_plain(): pass\n"

    one = run(pytester, source, "--collect-only", "-q").outlines
    two = run(pytester, source, "--collect-only", "-q", *ALL[:2]).outlines

    assert {line.partition("::")[2] for line in one[:2]} == {"test_it", "test_plain"}
    assert {line.partition("::")[2] for line in two[:3]} == {"test_it[emulator]", "test_it[server]", "test_plain"}


# Test items live until the session ends: with them every deployment would stay in memory.
def test_deployments_go_with_their_tests(pytester: pytest.Pytester) -> None:
    source = """
        import gc, weakref
        import pytest

        seen = []

        @pytest.mark.parametrize("n", range(3))
        def test_it(convex_emulator, n):
            seen.append(weakref.ref(convex_emulator))

        def test_zz_none_left():
            gc.collect()
            assert [ref for ref in seen if ref() is not None] == []
    """

    run(pytester, source, "-p", "no:randomly").assert_outcomes(passed=4)


def test_threads_end_with_the_test(pytester: pytest.Pytester) -> None:
    source = """
        import threading
        import pytest

        # This process may have others: of the tests around this one.
        BEFORE = set(threading.enumerate())

        def names():
            return [thread.name for thread in threading.enumerate() if thread not in BEFORE]

        @pytest.mark.parametrize("n", range(2))
        def test_it(convex_url, n):
            assert names().count("convex-emulator-server") == 1

        def test_zz_none_left():
            assert names() == []
    """

    run(pytester, source, "-p", "no:randomly").assert_outcomes(passed=3)

"""What callers are told of a failure: texts, frames, data, redaction.

convex-backend crates/application/src/redaction.rs, crates/isolate/src/helpers.rs; convex-js src/values/errors.ts and
value.ts (convex-engine.md §10.4, convex-wire.md §1.6).
"""

import re
from typing import Any

import pytest

from convex_mastra_emulator import (
    ConvexError,
    ConvexInt64,
    Emulator,
    FunctionError,
    Limits,
    action,
    mutation,
    query,
    undefined,
)
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.failures import Failure, thrown
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.values import Value


class OutOfStock(Exception):
    """An error of the application's own."""


def raising(error: Exception) -> Any:
    def fail(ctx: Any, args: Any) -> None:
        raise error

    return fail


def failure_of(emulator: Emulator, path: str) -> Failure:
    failure = emulator.call(path, python_arguments(None), None, ADMIN).failure
    assert failure is not None
    return failure


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Exception("boom"), "Uncaught Error: boom"),
        (ValueError("boom"), "Uncaught ValueError: boom"),
        (OutOfStock("boom"), "Uncaught OutOfStock: boom"),
        (Exception(), "Uncaught Error"),
        (OutOfStock(), "Uncaught OutOfStock"),
    ],
)
def test_uncaught_exception_is_named_as_javascript_names_it(emulator: Emulator, error: Exception, message: str) -> None:
    emulator.define("failures:boom", mutation(raising(error)))

    assert failure_of(emulator, "failures:boom").message == message


# Every client prints this text as it is; tests of applications match on parts of it.
def test_client_reads_request_id_message_and_frames(emulator: Emulator) -> None:
    def place_order(ctx: Any, args: Any) -> None:
        raise Exception("boom")

    emulator.define("failures:order", mutation(place_order))

    with pytest.raises(FunctionError, match="boom") as error:
        emulator.mutation("failures:order")

    assert re.fullmatch(
        r"\[Request ID: [0-9a-f]{16}\] Server Error\n"
        r"Uncaught Error: boom\n"
        r"    at place_order \(\.\./\S*test_failures\.py:\d+:1\)\n",
        str(error.value),
    )
    assert error.value.message == "Uncaught Error: boom"


def test_frames_stand_innermost_first(emulator: Emulator) -> None:
    def check_stock() -> None:
        raise Exception("boom")

    def place_order(ctx: Any, args: Any) -> None:
        check_stock()

    emulator.define("failures:order", mutation(place_order))

    frames = failure_of(emulator, "failures:order").frames

    assert [frame.split(" (")[0] for frame in frames] == ["    at check_stock", "    at place_order"]


# A frame of the emulator would tell a developer about code that no deployment has.
def test_own_frames_are_not_shown(emulator: Emulator) -> None:
    emulator.define("failures:get", query(lambda ctx, args: ctx.db.get("garbage")))

    frames = failure_of(emulator, "failures:get").frames

    assert len(frames) == 1
    assert "test_failures.py" in frames[0]


def test_text_of_a_failure_without_frames_ends_in_a_newline(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Server Error\nCould not find public function for 'failures:none'\.\n$"):
        emulator.query("failures:none")


def test_request_ids_differ_from_call_to_call(emulator: Emulator) -> None:
    texts = []
    for _ in range(2):
        with pytest.raises(FunctionError, match="Could not find") as error:
            emulator.query("failures:none")
        texts.append(str(error.value))

    assert texts[0] != texts[1]


def test_failure_carries_what_was_logged_before(emulator: Emulator) -> None:
    def fail(ctx: Any, args: Any) -> None:
        ctx.console.warn("low stock")
        raise Exception("boom")

    emulator.define("failures:logged", action(fail))

    with pytest.raises(FunctionError, match="boom") as error:
        emulator.action("failures:logged")

    assert error.value.log_lines == ("[WARN] 'low stock'",)


def test_message_of_64_kib_is_kept_whole(emulator: Emulator) -> None:
    text = "x" * (64 * 1024 - len("Uncaught Error: "))
    emulator.define("failures:long", mutation(raising(Exception(text))))

    assert failure_of(emulator, "failures:long").message == f"Uncaught Error: {text}"


def test_message_beyond_64_kib_is_cut(emulator: Emulator) -> None:
    text = "x" * (64 * 1024 - len("Uncaught Error: ") + 1)
    emulator.define("failures:longer", mutation(raising(Exception(text))))

    assert failure_of(emulator, "failures:longer").message == f"Uncaught Error: {text[:-1]}"


# "é" has two bytes, of which only one would fit.
def test_cut_message_holds_no_half_character() -> None:
    failure = thrown(Exception("xxé"), Limits(error_message_size_max=len("Uncaught Error: xx") + 1))

    assert failure.message == "Uncaught Error: xx"


# ConvexError


@pytest.mark.parametrize(
    "data",
    [None, False, 0.0, 1.5, ConvexInt64(5), "", "text", b"\x00\x01", [1.0, [None]], {"code": "E1", "tags": ["a"]}],
)
def test_data_of_a_convex_error_reaches_the_caller(emulator: Emulator, data: Value) -> None:
    emulator.define("failures:data", mutation(raising(ConvexError("refused", data))))

    with pytest.raises(ConvexError, match="Uncaught ConvexError: ") as error:
        emulator.mutation("failures:data")

    assert error.value.data == data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Not your order", "Not your order"),
        (None, "null"),
        (5, "5"),
        ([1.0, "a", None], '[1,"a",null]'),
        ({"code": "E1", "n": 1.5}, '{"code":"E1","n":1.5}'),
        ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
        ({"n": ConvexInt64(5)}, '{"n":"5n"}'),
    ],
)
def test_text_of_a_convex_error_is_its_data(emulator: Emulator, data: Value, text: str) -> None:
    emulator.define("failures:text", mutation(raising(ConvexError("refused", data))))

    assert failure_of(emulator, "failures:text").message == f"Uncaught ConvexError: {text}"


def test_ordinary_failure_has_no_data(emulator: Emulator) -> None:
    emulator.define("failures:plain", mutation(raising(Exception("boom"))))

    assert failure_of(emulator, "failures:plain").data is undefined


# The array's brackets and the string's quotes count: 16,380 + 4.
def test_json_of_16384_characters_is_told_whole(emulator: Emulator) -> None:
    emulator.define("failures:json", mutation(raising(ConvexError("refused", ["x" * 16_380]))))

    assert failure_of(emulator, "failures:json").message == f'Uncaught ConvexError: ["{"x" * 16_380}"]'


# value.ts cuts so that the text with its suffix has 16,384 characters.
def test_longer_json_is_cut_to_16384_characters_with_the_suffix(emulator: Emulator) -> None:
    emulator.define("failures:json", mutation(raising(ConvexError("refused", ["x" * 16_381]))))

    text = failure_of(emulator, "failures:json").message.removeprefix("Uncaught ConvexError: ")

    assert text == f'["{"x" * 16_368}[...truncated]'
    assert len(text) == 16_384


# errors.ts takes a string as it is; only JSON text is cut.
def test_long_string_of_a_convex_error_is_told_whole(emulator: Emulator) -> None:
    emulator.define("failures:string", mutation(raising(ConvexError("refused", "x" * 20_000))))

    assert failure_of(emulator, "failures:string").message == f"Uncaught ConvexError: {'x' * 20_000}"


def test_data_is_kept_when_its_text_is_cut(emulator: Emulator) -> None:
    emulator.define("failures:json", mutation(raising(ConvexError("refused", ["x" * 20_000]))))

    assert failure_of(emulator, "failures:json").data == ["x" * 20_000]


def test_data_no_deployment_takes_makes_it_another_error(emulator: Emulator) -> None:
    emulator.define("failures:array", mutation(raising(ConvexError("refused", [None] * 8193))))

    failure = failure_of(emulator, "failures:array")

    assert failure.message == "ConvexError with invalid data: Array length is too long (8193 > maximum length 8192)"
    assert failure.data is undefined


def test_longest_array_is_valid_data(emulator: Emulator) -> None:
    emulator.define("failures:array", mutation(raising(ConvexError("refused", [None] * 8192))))

    assert failure_of(emulator, "failures:array").data == [None] * 8192


# Redaction: production tells a client nothing it did not mean to tell.


def fail_after_logging(ctx: Any, args: Any) -> None:
    ctx.console.log("secret")
    raise Exception("secret")


def test_redacted_failure_is_a_request_id_and_nothing_else() -> None:
    with Emulator(redact_errors=True) as emulator:
        emulator.define("failures:secret", mutation(fail_after_logging))

        with pytest.raises(FunctionError, match="Server Error") as error:
            emulator.mutation("failures:secret")

    assert re.fullmatch(r"\[Request ID: [0-9a-f]{16}\] Server Error", str(error.value))
    assert error.value.message == "Server Error"
    assert error.value.log_lines == ()


def test_redacted_refusal_of_the_deployment_is_hidden_too() -> None:
    with (
        Emulator(redact_errors=True) as emulator,
        pytest.raises(FunctionError, match=r"^\[Request ID: [0-9a-f]{16}\] Server Error$"),
    ):
        emulator.query("failures:none")


def test_redacted_convex_error_keeps_its_data() -> None:
    with Emulator(redact_errors=True) as emulator:
        emulator.define("failures:data", mutation(raising(ConvexError("refused", {"code": "E1"}))))

        with pytest.raises(ConvexError, match=r"^\[Request ID: [0-9a-f]{16}\] Server Error$") as error:
            emulator.mutation("failures:data")

    assert error.value.data == {"code": "E1"}


# Inside the deployment nothing is redacted: a caller may decide by the text.
def test_redaction_does_not_reach_calling_functions() -> None:
    def outer(ctx: Any, args: Any) -> str:
        try:
            ctx.run_mutation("failures:inner")
        except Exception as error:
            return str(error)
        return "no error"

    with Emulator(redact_errors=True) as emulator:
        emulator.define("failures:inner", mutation(raising(Exception("boom"))))
        emulator.define("failures:outer", mutation(outer))

        assert emulator.mutation("failures:outer").startswith("Uncaught Error: boom\n")


def test_texts_are_made_from_parts() -> None:
    failure = Failure(message="Uncaught Error: boom", frames=("    at f (../m.ts:1:2)", "    at g (../m.ts:3:4)"))

    assert failure.nested_text == "Uncaught Error: boom\n    at f (../m.ts:1:2)\n    at g (../m.ts:3:4)\n"
    assert failure.client_text("0a", is_redacted=False) == f"[Request ID: 0a] Server Error\n{failure.nested_text}"
    assert failure.client_text("0a", is_redacted=True) == "[Request ID: 0a] Server Error"


def test_text_for_a_caller_without_frames_is_bare() -> None:
    assert Failure(message="ArgumentValidationError: no").nested_text == "ArgumentValidationError: no"

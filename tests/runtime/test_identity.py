"""Who calls, and what that opens (convex-engine.md §10.2 and §10.6, convex-wire.md §2.4)."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, action, internal_query, mutation, query
from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.identity import ADMIN, ANONYMOUS, Identity, acting_as, user_identity

ADA = {"issuer": "https://issuer.test", "subject": "ada", "name": "Ada"}
ADA_SEEN = {**ADA, "tokenIdentifier": "https://issuer.test|ada"}


def who(ctx: Any, args: Any) -> Any:
    return ctx.auth.get_user_identity()


def test_token_identifier_defaults_to_issuer_and_subject() -> None:
    assert user_identity(ADA).user == ADA_SEEN


def test_token_identifier_given_is_kept() -> None:
    assert user_identity({"tokenIdentifier": "custom|1"}).user == {"tokenIdentifier": "custom|1"}


@pytest.mark.parametrize("attributes", [{}, {"issuer": "https://issuer.test"}, {"subject": "ada"}])
def test_user_without_identifier_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="needs `tokenIdentifier`, or `issuer` and `subject`"):
        user_identity(attributes)


@pytest.mark.parametrize(
    ("identity", "seen"),
    [(ANONYMOUS, None), (ADMIN, None), (user_identity(ADA), ADA_SEEN), (acting_as(ADA), ADA_SEEN)],
    ids=["anonymous", "admin", "user", "admin acting as user"],
)
def test_function_sees_the_user(emulator: Emulator, identity: Identity, seen: Any) -> None:
    emulator.define("users:who", query(who))

    assert emulator.query("users:who", identity=identity) == seen


def test_function_cannot_change_who_calls(emulator: Emulator) -> None:
    ada = user_identity(ADA)

    def rename(ctx: Any, args: Any) -> Any:
        ctx.auth.get_user_identity()["name"] = "Eve"
        return ctx.auth.get_user_identity()["name"]

    emulator.define("users:rename", query(rename))

    assert emulator.query("users:rename", identity=ada) == "Ada"


@pytest.mark.parametrize("identity", [ADMIN, acting_as(ADA)], ids=["admin", "admin acting as user"])
def test_internal_function_is_open_to_administrators(emulator: Emulator, identity: Identity) -> None:
    emulator.define("users:secret", internal_query(lambda ctx, args: "secret"))

    assert emulator.query("users:secret", identity=identity) == "secret"


@pytest.mark.parametrize("identity", [ANONYMOUS, user_identity(ADA)], ids=["anonymous", "user"])
def test_internal_function_is_hidden_from_everybody_else(emulator: Emulator, identity: Identity) -> None:
    emulator.define("users:hidden", internal_query(lambda ctx, args: "secret"))

    with pytest.raises(FunctionError, match=r"Could not find public function for 'users:hidden'\.\n$"):
        emulator.query("users:hidden", identity=identity)


# Acting as a user is not enough to get past this gate (convex-wire.md §2.4).
@pytest.mark.parametrize(
    "identity", [ANONYMOUS, user_identity(ADA), acting_as(ADA)], ids=["anonymous", "user", "admin acting as user"]
)
def test_system_functions_are_for_administrators_only(emulator: Emulator, identity: Identity) -> None:
    with pytest.raises(RequestRefused, match=r"^Operation query not permitted$") as refusal:
        emulator.query("_system/cli/tables", identity=identity)

    assert refusal.value.code == "SystemIdentityRequired"
    assert refusal.value.kind is ErrorKind.FORBIDDEN


def test_refusal_of_a_system_function_names_the_operation(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match=r"^Operation mutation not permitted$"):
        emulator.mutation("_system/cli/tables", identity=ANONYMOUS)
    with pytest.raises(RequestRefused, match=r"^Operation action not permitted$"):
        emulator.action("_system/cli/tables", identity=ANONYMOUS)


def test_nested_calls_keep_the_user(emulator: Emulator) -> None:
    emulator.define("users:who", query(who))
    emulator.define("users:inner", mutation(lambda ctx, args: ctx.run_query("users:who")))
    emulator.define("users:outer", mutation(lambda ctx, args: ctx.run_mutation("users:inner")))

    assert emulator.mutation("users:outer", identity=user_identity(ADA)) == ADA_SEEN


def test_actions_calls_keep_the_user(emulator: Emulator) -> None:
    emulator.define("users:who", query(who))
    emulator.define("users:inner", action(lambda ctx, args: ctx.run_query("users:who")))
    emulator.define("users:outer", action(lambda ctx, args: ctx.run_action("users:inner")))

    assert emulator.action("users:outer", identity=user_identity(ADA)) == ADA_SEEN


# Whoever may call a public function may, through it, reach the internal ones it calls.
@pytest.mark.parametrize("build", [mutation, action])
def test_internal_functions_are_open_to_other_functions(emulator: Emulator, build: Any) -> None:
    emulator.define("users:internal", internal_query(lambda ctx, args: "inside"))
    emulator.define("users:public", build(lambda ctx, args: ctx.run_query("users:internal")))
    call = emulator.mutation if build is mutation else emulator.action

    assert call("users:public", identity=ANONYMOUS) == "inside"


def test_body_of_run_sees_the_user(emulator: Emulator) -> None:
    seen = emulator.run(lambda ctx: ctx.auth.get_user_identity(), identity=user_identity(ADA))

    assert seen == ADA_SEEN

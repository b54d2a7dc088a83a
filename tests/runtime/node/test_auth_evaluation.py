"""`auth.config.ts` as it is evaluated: what it sees, and what is said of one that cannot be.

Rules: convex-backend crates/isolate/src/environment/auth_config.rs, crates/isolate/src/client.rs
``evaluate_auth_config``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from convex_mastra_emulator.runtime.auth_config import OidcInfo
from convex_mastra_emulator.runtime.node.auth_evaluation import AuthConfigRefused, AuthEvaluation
from convex_mastra_emulator.runtime.node.binary import node_binary
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule, write_bundle

FOR_ALL = 'export default { providers: [{ domain: %s, applicationID: "app" }] };'


def evaluation(tmp_path: Path, source: str) -> AuthEvaluation:
    bundle = write_bundle([PushedModule("auth.config.js", source, None, "isolate")], None, tmp_path)
    return AuthEvaluation(node_binary(), bundle)


def refusal(tmp_path: Path, source: str, **env: str) -> tuple[str, str]:
    with pytest.raises(AuthConfigRefused) as refused:
        evaluation(tmp_path, source).providers(env, explanation="Why")
    return refused.value.message, refused.value.code


def test_a_bundle_without_one_has_no_providers(tmp_path: Path) -> None:
    bundle = write_bundle([PushedModule("a.js", "export const a = 1;", None, "isolate")], None, tmp_path)

    assert AuthEvaluation(node_binary(), bundle).providers({}, explanation="Why") == ()


def test_it_is_evaluated_again_when_a_variable_it_reads_is_another(tmp_path: Path) -> None:
    config = evaluation(tmp_path, FOR_ALL % "`https://${process.env.NAME}.com`")

    found = [config.providers({"NAME": name, "OTHER": other}, explanation="Why") for name, other in ("ax", "ay", "bx")]

    assert found == [(OidcInfo(application_id="app", domain=f"https://{name}.com"),) for name in "aab"]


def test_what_was_said_is_said_again(tmp_path: Path) -> None:
    config = evaluation(tmp_path, FOR_ALL % "process.env.NAME")
    for _ in range(2):
        with pytest.raises(AuthConfigRefused, match="NAME is used in auth config file"):
            config.providers({}, explanation="Why")

    assert config.providers({"NAME": "a.com"}, explanation="Why")


def test_a_variable_that_is_not_set_has_a_code_of_its_own(tmp_path: Path) -> None:
    text, code = refusal(tmp_path, "export default {\n  domain: process.env.DOMAIN };", OTHER="1")

    first, *frames = text.split("\n")
    assert first == "Environment variable DOMAIN is used in auth config file but its value was not set"
    assert frames == ["    at <anonymous> (../modules/auth.config.js:2:23)"]
    assert code == "AuthConfigMissingEnvironmentVariable"


def test_a_variable_may_be_empty(tmp_path: Path) -> None:
    text, code = refusal(tmp_path, FOR_ALL % "process.env.DOMAIN", DOMAIN="")

    assert (text, code) == ('Why: Invalid provider domain URL "": empty host', "InvalidAuthConfig")


# What gives the same today and tomorrow is all there is.
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("Math.random()", "Math.random unsupported when evaluating auth config file"),
        ("Date.now()", "Date unsupported when evaluating auth config file"),
        ("new Date()", "Date unsupported when evaluating auth config file"),
        ("crypto.randomUUID()", "Cannot use cryptographic randomness when evaluating auth config file"),
        (
            "crypto.getRandomValues(new Uint8Array(1))",
            "Cannot use cryptographic randomness when evaluating auth config file",
        ),
        ("performance.now()", "The Performance API is not supported when evaluating auth config file"),
        ("performance.timeOrigin", "The Performance API is not supported when evaluating auth config file"),
        ("setTimeout(() => 1)", "setTimeout unsupported while evaluating auth config file"),
        ('await fetch("https://a.com")', "fetch() unsupported while evaluating auth config file"),
        ('Convex.syscall("a", "")', "Syscall a unsupported when evaluating auth config file"),
        ('await Convex.asyncSyscall("a", "")', "Syscall a unsupported while evaluating auth config file"),
    ],
)
def test_chance_and_time_are_refused(tmp_path: Path, expression: str, text: str) -> None:
    told, code = refusal(tmp_path, FOR_ALL % f"({expression}, 'a.com')")

    assert told.split("\n")[0] == f"Why: Uncaught Error: {text}"
    assert code == "InvalidAuthConfig"


def test_a_given_date_and_what_is_logged_do_not_matter(tmp_path: Path) -> None:
    source = 'console.log("read"); new Date(5);' + FOR_ALL % '"a.com"'

    assert len(evaluation(tmp_path, source).providers({}, explanation="Why")) == 1


LIST = "Why: auth config file must include a list of provider credentials: "


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "export const providers = [];",
            "Why: auth config file is missing default export. To learn more, see the auth documentation at "
            "https://docs.convex.dev/auth.",
        ),
        (
            "export default null;",
            "Why: auth config file is missing default export. To learn more, see the auth documentation at "
            "https://docs.convex.dev/auth.",
        ),
        (
            "const a = {}; a.a = a; export default a;",
            "Why: auth config file can only contain strings To learn more, see the auth documentation at "
            "https://docs.convex.dev/auth.",
        ),
        ("export default () => 1;", f"{LIST}expected value "),
        ("export default {};", f"{LIST}missing field `providers` "),
        ("await new Promise(() => {}); export default {};", "Why: Top-level awaits in source files are unsupported"),
    ],
)
def test_what_is_no_config(tmp_path: Path, source: str, text: str) -> None:
    assert refusal(tmp_path, source) == (text, "InvalidAuthConfig")


def test_what_it_throws_is_told(tmp_path: Path) -> None:
    text, code = refusal(tmp_path, 'throw new TypeError("no");')

    assert text.split("\n")[0] == "Why: Uncaught TypeError: no"
    assert code == "InvalidAuthConfig"

"""How tokens are refused, in the deployment's words.

convex-backend crates/authentication/src/lib.rs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterable

from convex_mastra_emulator.errors import ErrorKind, RequestRefused


def _refused(text: str, code: str) -> RequestRefused:
    return RequestRefused(text, code=code, kind=ErrorKind.UNAUTHENTICATED)


def invalid_header(text: str) -> RequestRefused:
    """Of a token that is none, or that its provider would not have given."""
    return _refused(text, "InvalidAuthHeader")


def not_parsed() -> RequestRefused:
    """Of what is no token."""
    return invalid_header(
        "Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded parts "
        "separated by dots."
    )


def no_issuer() -> RequestRefused:
    """Of a token that does not say where it comes from."""
    return invalid_header(
        "Missing issuer claim ('iss') in JWT payload. The JWT must include an 'iss' claim that matches one of your "
        "configured auth providers."
    )


def no_provider(providers: Iterable[object], *, is_redacted: bool) -> RequestRefused:
    """Of a token of nobody who is trusted; it names those who are."""
    shown = ", ".join(map(str, providers))
    text = "No auth provider found matching the given token"
    if is_redacted:
        return _refused(text, "NoAuthProvider")
    if not shown:
        return _refused(f"{text} (no providers configured). Check convex/auth.config.ts.", "NoAuthProvider")
    hint = "Check that your JWT's issuer and audience match one of your configured providers"
    return _refused(f"{text}. {hint}: [{shown}]", "NoAuthProvider")


def not_verified() -> RequestRefused:
    """Of a token with a signature, or claims, that are not good."""
    return _refused(
        "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
        "Unauthenticated",
    )

"""What a deployment reads of ``auth.config.ts``, and what it says of one that is wrong.

Rules: convex-backend crates/isolate/src/environment/auth_config.rs, crates/common/src/auth.rs,
crates/model/src/auth/mod.rs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from convex_mastra_emulator.runtime.auth_config import (
    AuthConfigProblem,
    CustomJwtInfo,
    OidcInfo,
    auth_diff,
    read_auth_config,
)

OIDC = {"domain": "https://a.com", "applicationID": "app"}
CUSTOM: dict[str, Any] = {
    "type": "customJwt",
    "issuer": "https://b.com",
    "jwks": "https://b.com/jwks",
    "algorithm": "ES256",
}


def read(*providers: Any) -> Any:
    return read_auth_config(json.dumps({"providers": providers}))


def problem_of(text: str) -> str:
    with pytest.raises(AuthConfigProblem) as refused:
        read_auth_config(text)
    return str(refused.value)


# What is taken


def test_both_kinds_are_read_and_more_is_left_alone() -> None:
    assert read(OIDC | {"name": "clerk"}, CUSTOM | {"applicationID": "app"}) == (
        OidcInfo(application_id="app", domain="https://a.com"),
        CustomJwtInfo(application_id="app", issuer="https://b.com", jwks="https://b.com/jwks", algorithm="ES256"),
    )


@pytest.mark.parametrize("kind", ["oidc", None, 5])
def test_openid_connect_need_not_say_so(kind: Any) -> None:
    assert read(OIDC | {"type": kind}) == read(OIDC)


@pytest.mark.parametrize("application", [{}, {"applicationID": None}])
def test_custom_tokens_may_be_for_any_application(application: dict[str, Any]) -> None:
    assert read(CUSTOM | application)[0].application_id is None


def test_no_provider_is_none() -> None:
    assert read() == ()


# What is confused

LIST = "auth config file must include a list of provider credentials: "


@pytest.mark.parametrize(
    ("provider", "problem"),
    [
        (
            {"domain": "a.com", "applicationId": "app"},
            "must have applicationID property spelled lowercase 'application', capital I, capital D.",
        ),
        (
            {"domain": "a.com", "applicationid": "app"},
            "must have applicationID property spelled lowercase 'application', capital I, capital D.",
        ),
        (OIDC | {"type": "jwt"}, "has unexpected 'type' value 'jwt'"),
        (CUSTOM | {"domain": "a.com"}, "is a customJwt so cannot have a 'domain' specified"),
        (OIDC | {"issuer": "a.com"}, "is oidc so cannot have an 'issuer' specified."),
        (OIDC | {"type": "oidc", "issuer": "a.com"}, "is oidc so cannot have an 'issuer' specified."),
    ],
)
def test_what_is_often_confused_is_named(provider: dict[str, Any], problem: str) -> None:
    text = json.dumps({"providers": [OIDC, provider]})

    assert problem_of(text) == f"{LIST}Provider at index 1 {problem}"


@pytest.mark.parametrize("issuer", ["https://api.workos.com", "https://api.workos.com/"])
def test_an_issuer_of_many_applications_needs_one(issuer: str) -> None:
    provider = CUSTOM | {"issuer": issuer}

    assert problem_of(json.dumps({"providers": [provider]})) == (
        "This auth configuration appears potentially insecure: Provider at index 0 has an issuer that is shared among "
        "many applications, so must to specify an ApplicationID to check against an `aud` field of a JWT."
    )
    assert read(provider | {"applicationID": "app"})[0].issuer == issuer


# What does not fit

NO_VARIANT = "data did not match any variant of untagged enum SerializedAuthInfo "


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "missing field `providers` "),
        ({"providers": None}, "invalid type: null, expected a sequence "),
        ({"providers": OIDC}, "invalid type: map, expected a sequence "),
        ([OIDC], "invalid type: map, expected a sequence "),
        ([], "invalid length 0, expected struct SerializedAuthConfig with 1 element "),
        ("clerk", 'invalid type: string "clerk", expected struct SerializedAuthConfig '),
        (5, "invalid type: integer `5`, expected struct SerializedAuthConfig "),
        (1.5, "invalid type: floating point `1.5`, expected struct SerializedAuthConfig "),
        (True, "invalid type: boolean `true`, expected struct SerializedAuthConfig "),
        ({"providers": ["clerk"]}, NO_VARIANT),
        ({"providers": [{"domain": "a.com"}]}, NO_VARIANT),
        ({"providers": [{"applicationID": "app"}]}, NO_VARIANT),
        ({"providers": [OIDC | {"applicationID": 5}]}, NO_VARIANT),
        ({"providers": [CUSTOM | {"applicationID": 5}]}, NO_VARIANT),
        ({"providers": [CUSTOM | {"jwks": None}]}, NO_VARIANT),
        ({"providers": [CUSTOM | {"issuer": None}]}, NO_VARIANT),
        *(({"providers": [CUSTOM | {"algorithm": name}]}, NO_VARIANT) for name in ("HS256", "EdDSA", None, ["RS256"])),
    ],
)
def test_what_does_not_fit_is_refused_in_serdes_words(config: Any, problem: str) -> None:
    assert problem_of(json.dumps(config)) == LIST + problem


# `JSON.stringify` of a function.
def test_a_function_is_no_config() -> None:
    assert problem_of("undefined") == f"{LIST}expected value "


def test_an_issuer_that_is_no_url_is_refused() -> None:
    text = json.dumps({"providers": [OIDC | {"domain": "tokens"}]})

    assert problem_of(text).startswith('Invalid provider domain URL "tokens": Does not look like a URL')


# How providers are told


def test_providers_are_named_as_refusals_name_them() -> None:
    assert [*map(str, read(OIDC, CUSTOM, CUSTOM | {"applicationID": "app"}))] == [
        "OIDC(domain=https://a.com, app_id=app)",
        "CustomJWT(issuer=https://b.com, app_id=none)",
        "CustomJWT(issuer=https://b.com, app_id=app)",
    ]


# The quotes in quotes are the deployment's: it writes the algorithm as JSON before it writes all of it as JSON.
def test_stored_text_is_compact_and_sorted() -> None:
    oidc, custom = read(OIDC, CUSTOM)

    assert oidc.stored_text() == '{"applicationID":"app","domain":"https://a.com"}'
    assert custom.stored_text() == (
        r'{"algorithm":"\"ES256\"","applicationID":null,"issuer":"https://b.com","jwks":"https://b.com/jwks",'
        '"type":"customJwt"}'
    )


# Changes


def test_what_stays_keeps_its_place_and_new_ones_are_sorted() -> None:
    a, b, c, d = (OidcInfo(application_id=name, domain="https://a.com") for name in "abcd")
    custom = read(CUSTOM)[0]

    diff = auth_diff((c, a), (custom, d, b, c, b))

    assert diff.providers == (c, b, d, custom)
    assert diff.added == (b, d, custom)
    assert diff.removed == (a,)

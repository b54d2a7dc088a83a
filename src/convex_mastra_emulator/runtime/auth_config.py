"""The providers of ``auth.config.ts``: what a deployment reads of its default export, and what it refuses.

convex-backend crates/common/src/auth.rs, crates/isolate/src/environment/auth_config.rs, crates/model/src/auth/types.rs
(checked 2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from convex_mastra_emulator.runtime.issuer_urls import InvalidIssuerUrl, is_same_issuer, issuer_url

_SEE_DOCS = "To learn more, see the auth documentation at https://docs.convex.dev/auth."
MISSING_EXPORT = f"auth config file is missing default export. {_SEE_DOCS}"
UNSERIALIZABLE = f"auth config file can only contain strings {_SEE_DOCS}"
ALGORITHMS = ("RS256", "ES256")
# Issuers that many applications share.
_SHARED_ISSUERS = ("https://api.workos.com/", "https://api.workos.com")
_NO_VARIANT = "data did not match any variant of untagged enum SerializedAuthInfo "


class AuthConfigProblem(ValueError):
    """What is wrong with an auth config, in the deployment's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcInfo:
    """A provider whose keys are found by OpenID Connect discovery.

    Attributes:
        application_id: the ``aud`` of its tokens.
        domain: the ``iss`` of its tokens, a URL.
    """

    application_id: str
    domain: str

    @property
    def has_keys(self) -> bool:
        """Whether nobody has to be asked for its keys."""
        return False

    def issued(self, issuer: str, audiences: Sequence[str]) -> bool:
        """Whether a token with this issuer and these audiences says it comes from here."""
        return self.application_id in audiences and is_same_issuer(self.domain, issuer)

    def to_json(self) -> dict[str, Any]:
        """As the answer of a push tells it."""
        return {"applicationID": self.application_id, "domain": self.domain}

    def stored_text(self) -> str:
        """As it stands in ``_auth``, and in the difference that a push makes."""
        return _compact(self.to_json())

    def __str__(self) -> str:
        return f"OIDC(domain={self.domain}, app_id={self.application_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomJwtInfo:
    """A provider whose keys lie at a URL.

    Attributes:
        application_id: the ``aud`` of its tokens; None accepts every one.
        issuer: the ``iss`` of its tokens, a URL.
        jwks: where the keys are; a ``data:`` URL holds them itself.
        algorithm: how its tokens are signed.
    """

    application_id: str | None
    issuer: str
    jwks: str
    algorithm: str

    @property
    def has_keys(self) -> bool:
        """Whether nobody has to be asked for its keys."""
        return self.jwks.startswith("data:")

    def issued(self, issuer: str, audiences: Sequence[str]) -> bool:
        """Whether a token with this issuer and these audiences says it comes from here."""
        return self.application_id in (None, *audiences) and is_same_issuer(self.issuer, issuer)

    def to_json(self) -> dict[str, Any]:
        """As the answer of a push tells it."""
        return {
            "type": "customJwt",
            "applicationID": self.application_id,
            "issuer": self.issuer,
            "jwks": self.jwks,
            "algorithm": self.algorithm,
        }

    def stored_text(self) -> str:
        """As it stands in ``_auth``, and in the difference that a push makes."""
        # ``String::from(SignatureAlgorithm)`` of crates/common/src/auth.rs writes JSON, so that quotes stand in quotes.
        return _compact({**self.to_json(), "algorithm": json.dumps(self.algorithm)})

    def __str__(self) -> str:
        application = "none" if self.application_id is None else self.application_id
        return f"CustomJWT(issuer={self.issuer}, app_id={application})"


AuthInfo: TypeAlias = OidcInfo | CustomJwtInfo


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# A change of them


class AuthDiff(NamedTuple):
    """What another auth config changes.

    Attributes:
        providers: those there are from now on; what stays keeps its place.
        added: the new ones.
        removed: those that are there no longer.
    """

    providers: tuple[AuthInfo, ...]
    added: tuple[AuthInfo, ...]
    removed: tuple[AuthInfo, ...]


def auth_diff(before: Sequence[AuthInfo], after: Iterable[AuthInfo]) -> AuthDiff:
    """The change from one auth config to another (crates/model/src/auth/mod.rs ``put``)."""
    wanted = set(after)
    kept = tuple(info for info in before if info in wanted)
    added = tuple(sorted(wanted.difference(before), key=_order))
    return AuthDiff(kept + added, added, tuple(sorted(set(before) - wanted, key=_order)))


def _order(info: AuthInfo) -> tuple[str, ...]:
    # The derived order of ``AuthInfo``: the kind, then the fields as they are declared; none stands before all.
    if isinstance(info, OidcInfo):
        return ("0", info.application_id, info.domain)
    application = "0" if info.application_id is None else f"1{info.application_id}"
    return ("1", application, info.issuer, info.jwks, str(ALGORITHMS.index(info.algorithm)))


# Reading


def read_auth_config(text: str) -> tuple[AuthInfo, ...]:
    """The providers of an auth config.

    Args:
        text: what ``JSON.stringify`` made of the default export.

    Raises:
        AuthConfigProblem: for one that a deployment does not take.
    """
    try:
        config = json.loads(text)
    except ValueError:
        # ``JSON.stringify`` gives `undefined` for a function, which is all that can go wrong.
        raise _not_matching("expected value ") from None
    _refuse_confusions(config)
    return tuple(map(_provider, _providers(config)))


def _not_matching(problem: str) -> AuthConfigProblem:
    return AuthConfigProblem(f"auth config file must include a list of provider credentials: {problem}")


def _refuse_confusions(config: Any) -> None:
    providers = config.get("providers") if isinstance(config, dict) else None
    for index, provider in enumerate(providers if isinstance(providers, list) else ()):
        if isinstance(provider, dict):
            _refuse_confusion(index, provider)


def _refuse_confusion(index: int, provider: Mapping[str, Any]) -> None:
    kind = provider.get("type")
    kind = kind if isinstance(kind, str) else "unknown"
    if "applicationId" in provider or "applicationid" in provider:
        raise _not_matching(
            f"Provider at index {index} must have applicationID property spelled lowercase 'application', capital I, "
            "capital D."
        )
    if kind not in ("customJwt", "oidc", "unknown"):
        raise _not_matching(f"Provider at index {index} has unexpected 'type' value '{kind}'")
    if kind == "customJwt" and "domain" in provider:
        raise _not_matching(f"Provider at index {index} is a customJwt so cannot have a 'domain' specified")
    if kind != "customJwt" and "issuer" in provider:
        raise _not_matching(f"Provider at index {index} is oidc so cannot have an 'issuer' specified.")
    if "applicationID" not in provider and provider.get("issuer") in _SHARED_ISSUERS:
        raise AuthConfigProblem(
            f"This auth configuration appears potentially insecure: Provider at index {index} has an issuer that is "
            "shared among many applications, so must to specify an ApplicationID to check against an `aud` field of a "
            "JWT."
        )


def _providers(config: Any) -> list[Any]:
    # The texts are those of serde_json; a blank is left at the end where they told of line and column.
    if isinstance(config, list):
        # A struct may be given as the list of its fields.
        if not config:
            raise _not_matching("invalid length 0, expected struct SerializedAuthConfig with 1 element ")
        providers = config[0]
    elif not isinstance(config, dict):
        raise _not_matching(f"invalid type: {_shown(config)}, expected struct SerializedAuthConfig ")
    elif "providers" not in config:
        raise _not_matching("missing field `providers` ")
    else:
        providers = config["providers"]
    if not isinstance(providers, list):
        raise _not_matching(f"invalid type: {_shown(providers)}, expected a sequence ")
    return providers


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{json.dumps(value)}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    return f"string {json.dumps(value, ensure_ascii=False)}" if isinstance(value, str) else "map"


def _provider(given: Any) -> AuthInfo:
    if not isinstance(given, dict):
        raise _not_matching(_NO_VARIANT)
    application = given.get("applicationID")
    try:
        if given.get("type") == "customJwt":
            return CustomJwtInfo(
                application_id=None if application is None else _text(application),
                issuer=issuer_url(_text(given.get("issuer"))),
                jwks=_text(given.get("jwks")),
                algorithm=_algorithm(given.get("algorithm")),
            )
        return OidcInfo(application_id=_text(application), domain=issuer_url(_text(given.get("domain"))))
    except InvalidIssuerUrl as error:
        raise AuthConfigProblem(str(error)) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _not_matching(_NO_VARIANT)
    return value


def _algorithm(value: Any) -> str:
    if value not in ALGORITHMS:
        raise _not_matching(_NO_VARIANT)
    return str(value)

"""The tokens of upload URLs: who issued them, and for how long they are good."""

import base64

import pytest

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.upload_tokens import UploadTokens
from convex_mastra_emulator.values.ids import IdSource

NOW = 1_700_000_000


def refusal_of(tokens: UploadTokens, token: str, now_s: int = NOW) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        tokens.check(token, now_s)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED
    return refused.value


# `issued + validity <= now` is too late: the last good second is the 3,599th.
def test_a_token_is_good_for_an_hour() -> None:
    tokens = UploadTokens(IdSource(1))
    token = tokens.issue(NOW)

    tokens.check(token, NOW)
    tokens.check(token, NOW + 3599)

    refused = refusal_of(tokens, token, NOW + 3600)
    assert (refused.code, refused.message) == ("StorageTokenExpired", "Store File Authorization expired")


# It is not used up: a client whose upload broke off tries again with the same URL.
def test_a_token_is_good_more_than_once() -> None:
    tokens = UploadTokens(IdSource(1))
    token = tokens.issue(NOW)

    tokens.check(token, NOW)
    tokens.check(token, NOW)


def test_two_tokens_of_one_second_differ() -> None:
    tokens = UploadTokens(IdSource(1))

    assert tokens.issue(NOW) != tokens.issue(NOW)


@pytest.mark.parametrize("token", ["", "x", "%%%", "ä", "A" * 74, "A" * 75, "A" * 76])
def test_what_is_no_token_is_refused(token: str) -> None:
    tokens = UploadTokens(IdSource(1))
    tokens.issue(NOW)

    refused = refusal_of(tokens, token)

    assert refused.code == "StorageTokenInvalid"
    assert refused.message == "Couldn't decode the StoreFileAuthorization token"


# Whoever could move the time in a token could upload for ever.
def test_a_token_whose_time_was_changed_is_refused() -> None:
    tokens = UploadTokens(IdSource(1))
    data = bytearray(base64.urlsafe_b64decode(tokens.issue(NOW) + "=="))
    data[:8] = (NOW + 3600).to_bytes(8)

    forged = base64.urlsafe_b64encode(data).decode().rstrip("=")

    assert refusal_of(tokens, forged, NOW + 3600).code == "StorageTokenInvalid"


def test_a_token_of_another_deployment_is_refused() -> None:
    mine, other = UploadTokens(IdSource(1)), UploadTokens(IdSource(2))
    mine.issue(NOW)

    assert refusal_of(mine, other.issue(NOW)).code == "StorageTokenInvalid"


def test_before_one_was_issued_none_is_good() -> None:
    assert refusal_of(UploadTokens(IdSource(1)), "A" * 75).code == "StorageTokenInvalid"

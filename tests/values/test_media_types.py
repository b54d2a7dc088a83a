"""`parse_media_type`: what Rust's crate mime 0.3.17 takes, how it keeps it, and what it says of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator.values.media_types import MediaTypeError, parse_media_type

SLASH = "mime parse error: a slash (/) was missing between the type and subtype"
EQUALS = "mime parse error: an equals sign (=) was missing between a parameter and its value"
QUOTE = 'mime parse error: a quote (") was missing from a parameter value'


def token(byte: str, position: int) -> str:
    return f"mime parse error: an invalid token was encountered, {byte} at position {position}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("image/png", "image/png"),
        ("Image/PNG", "image/png"),
        ("*/*", "*/*"),
        ("text/", "text/"),
        ("application/ld+json", "application/ld+json"),
        ("Text/Plain; Charset=UTF-8", "text/plain; charset=utf-8"),
        ("text/plain;charset=UTF-8", "text/plain;charset=utf-8"),
        # Only names, and the value of `charset`, are without case.
        ("multipart/form-data; Boundary=AaB", "multipart/form-data; boundary=AaB"),
        ('text/plain; name="A; b" ; Charset="UTF-8"', 'text/plain; name="A; b" ; charset="utf-8"'),
        ('a/b; c=""d"', 'a/b; c=""d"'),
        ("text/plain;", "text/plain"),
        ("text/plain;  ", "text/plain"),
        ("text/plain; a=", "text/plain; a="),
    ],
)
def test_a_type_is_kept_with_its_names_in_lower_case(text: str, kept: str) -> None:
    assert parse_media_type(text) == kept


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", SLASH),
        ("text", SLASH),
        ("/plain", token("2F", 0)),
        ("te xt/html", token("20", 2)),
        ("text/pl ain", token("20", 7)),
        ("text/;a=b", token("3B", 5)),
        ("text/plain; a", EQUALS),
        ("text/plain; =b", token("3D", 12)),
        ("text/plain; a=;b=c", token("3B", 14)),
        ('text/plain; a="b', QUOTE),
        ('text/plain; a="', QUOTE),
        ('text/plain; a="b"c', token("63", 17)),
        ('text/plain; a="\n"', token("A", 15)),
        ("text/pläin", token("C3", 7)),
    ],
)
def test_what_is_no_type_is_refused_with_the_place(text: str, problem: str) -> None:
    with pytest.raises(MediaTypeError) as refusal:
        parse_media_type(text)

    assert str(refusal.value) == problem


# What a deployment keeps it reads again when the file is fetched.
@given(st.text(alphabet='aB/;=" +\tcharset-8', max_size=30))
def test_what_is_kept_is_a_type_again(text: str) -> None:
    try:
        kept = parse_media_type(text)
    except MediaTypeError:
        return

    assert parse_media_type(kept) == kept

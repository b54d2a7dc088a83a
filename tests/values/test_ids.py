"""Document ids: convex-engine.md §3.1, with ids made and refused by Convex' own id-encoding package."""

import base64
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.values.ids import ALPHABET, IdSource, decode_id, decode_legacy_id, encode_id

GOLDEN = json.loads((Path(__file__).parent.parent / "data" / "ids.json").read_text())
ZEROS = bytes(16)


# Written from the layout of §3.1, apart from the code under test.
def fletcher16(data: bytes) -> int:
    first = second = 0
    for byte in data:
        first = (first + byte) % 256
        second = (second + first) % 256
    return second << 8 | first


def crockford(data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(ALPHABET[int(bits[start : start + 5], 2)] for start in range(0, len(bits), 5))


def with_checksum(body: bytes, *, version: int = 0) -> str:
    return crockford(body + (fletcher16(body) ^ version).to_bytes(2, "little"))


def test_valid_ids_decode_to_their_parts() -> None:
    for vector in GOLDEN["valid"]:
        assert decode_id(vector["id"]) == (vector["tableNumber"], bytes.fromhex(vector["internalId"]))


def test_parts_encode_to_valid_ids() -> None:
    for vector in GOLDEN["valid"]:
        assert encode_id(vector["tableNumber"], bytes.fromhex(vector["internalId"])) == vector["id"]


@pytest.mark.parametrize("text", GOLDEN["invalid"])
def test_text_the_id_package_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^Unable to decode ID: "):
        decode_id(text)


@pytest.mark.parametrize(
    ("table_number", "internal_id", "text"),
    [
        (10001, ZEROS, "j5700000000000000000000000001qv0"),
        (10001, bytes(range(16)), "j57000820c20a1g7104gm2rc1m70ynr8"),
        (10001, b"\xff" * 16, "j57fzzzzzzzzzzzzzzzzzzzzzzzzzkyr"),
        (10002, ZEROS, "j9700000000000000000000000001r3j"),
        (16383, ZEROS, "zxzg0000000000000000000000000zjx"),
        (16384, ZEROS, "g2002000000000000000000000000001j4"),
        (127, ZEROS, "fw00000000000000000000000007yvr"),
        (128, ZEROS, "g00g000000000000000000000000108h"),
        (540, ZEROS, "kg20000000000000000000000000181w"),
        (540, bytes.fromhex("7c75fb4a61fb003ca5a2086f49134d1a"), "kg27rxfv99gzp01wmph0gvt92d6hnvy6"),
        (2**32 - 1, ZEROS, "zzzzzzrf000000000000000000000000005v2"),
    ],
)
def test_documented_vectors_hold_in_both_directions(table_number: int, internal_id: bytes, text: str) -> None:
    assert encode_id(table_number, internal_id) == text
    assert decode_id(text) == (table_number, internal_id)


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 2**32 - 1), st.binary(min_size=16, max_size=16))
@example(2**7 - 1, ZEROS)
@example(2**7, ZEROS)
@example(2**14, ZEROS)
@example(2**21, ZEROS)
@example(2**28, ZEROS)
def test_every_id_is_read_back(table_number: int, internal_id: bytes) -> None:
    assert decode_id(encode_id(table_number, internal_id)) == (table_number, internal_id)


# 33 and 35 characters never occur: base32 without padding skips them.
@pytest.mark.parametrize(
    ("table_number", "length"), [(1, 31), (128, 32), (10001, 32), (2**14, 34), (2**21, 36), (2**28, 37)]
)
def test_length_follows_from_the_table_number(table_number: int, length: int) -> None:
    assert len(encode_id(table_number, ZEROS)) == length


# Errors in the order in which they are looked for


@pytest.mark.parametrize(
    ("text", "length"),
    [("", 0), ("garbage", 7), ("0" * 30, 30), ("0" * 38, 38), ("é" * 15, 30), ("é" * 19, 38), ("i" * 40, 40)],
)
def test_length_in_bytes_is_checked_first(text: str, length: int) -> None:
    with pytest.raises(InvalidValue, match=f"^Unable to decode ID: Invalid ID length {length}$"):
        decode_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "J5700000000000000000000000001qv0",
        "j570000000000000000000000000iqv0",
        "j570000000000000000000000000lqv0",
        "j570000000000000000000000000oqv0",
        "j570000000000000000000000000uqv0",
        "j5700000000000000000000000001qv=",
        "é" * 16,
        "u" * 31,
    ],
)
def test_characters_outside_the_alphabet_come_second(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^Unable to decode ID: ID wasn't valid base32$"):
        decode_id(text)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00" + ZEROS,
        b"\x80\x00" + ZEROS,
        b"\xff\xff\xff\xff\xff" + ZEROS[:12],
        b"\xff\xff\xff\xff\x1f" + ZEROS,
    ],
)
def test_table_number_that_is_none_comes_third(body: bytes) -> None:
    with pytest.raises(InvalidValue, match=r"^Unable to decode ID: Invalid table number$"):
        decode_id(with_checksum(body))


def test_internal_id_too_short_for_its_table_number_comes_fourth() -> None:
    text = with_checksum(b"\x80\x80\x80\x01" + ZEROS[:14])

    with pytest.raises(InvalidValue, match=r"^Unable to decode ID: Invalid ID length 32$"):
        decode_id(text)


# A mistyped id is what users see this for: the version and the checksum share two bytes.
def test_wrong_checksum_reads_as_a_wrong_version() -> None:
    right = encode_id(10001, ZEROS)
    body = b"\x91\x4e" + ZEROS
    expected = fletcher16(body)

    with pytest.raises(InvalidValue, match=f"^Unable to decode ID: Invalid ID version {expected ^ 1} ") as caught:
        decode_id(with_checksum(body, version=1))

    assert str(caught.value).endswith(f"(expected {expected})")
    assert with_checksum(body) == right


def test_trailing_bytes_come_last() -> None:
    body = b"\x91\x4e" + ZEROS
    text = crockford(body + fletcher16(body).to_bytes(2, "little") + b"\0")

    with pytest.raises(InvalidValue, match=f"^Unable to decode ID: Invalid ID length {len(text)}$"):
        decode_id(text)


def test_other_bits_in_the_unused_end_are_refused() -> None:
    right = encode_id(1, ZEROS)
    assert right.endswith("8")

    with pytest.raises(InvalidValue, match=r"^Unable to decode ID: Invalid ID length 31$"):
        decode_id(right[:-1] + "9")


def test_longer_varint_than_needed_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^Unable to decode ID: Invalid ID length 32$"):
        decode_id(with_checksum(b"\x81\x00" + ZEROS))


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet=ALPHABET, min_size=31, max_size=37))
def test_text_that_decodes_is_the_text_of_its_parts(text: str) -> None:
    try:
        parts = decode_id(text)
    except InvalidValue:
        return
    assert encode_id(*parts) == text


# Legacy forms, which normalizeId still reads


def base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def test_base64url_of_sixteen_bytes_is_a_legacy_id() -> None:
    internal_id = bytes(range(240, 256))
    text = base64.urlsafe_b64encode(internal_id).decode().rstrip("=")

    assert len(text) == 22
    assert decode_legacy_id(text) == internal_id


def test_base62_of_seventeen_bytes_is_a_legacy_id() -> None:
    text = base62(int.from_bytes(b"\x80" + bytes(range(16))))

    assert len(text) == 23
    assert decode_legacy_id(text) == bytes(range(16))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        base64.urlsafe_b64encode(bytes(15)).decode().rstrip("="),
        "!" * 22,
        base62(1 << 127).rjust(23, "0"),
        base62(1 << 136),
        "-" * 23,
        "é" * 22,
    ],
)
def test_other_text_is_no_legacy_id(text: str) -> None:
    assert decode_legacy_id(text) is None


# New ids


def test_new_internal_id_ends_with_the_day() -> None:
    now_ns = 20_000 * 86_400 * 10**9

    assert IdSource(1).internal_id(now_ns)[14:] == (20_000).to_bytes(2)
    assert IdSource(1).internal_id(now_ns - 1)[14:] == (19_999).to_bytes(2)


def test_same_seed_gives_the_same_ids() -> None:
    one, other = IdSource(7), IdSource(7)

    assert [one.internal_id(0) for _ in range(3)] == [other.internal_id(0) for _ in range(3)]


def test_other_seeds_give_other_ids() -> None:
    assert IdSource(7).internal_id(0) != IdSource(8).internal_id(0)


def test_a_source_can_go_on_where_another_one_is() -> None:
    one, other = IdSource(7), IdSource()
    one.internal_id(0)

    other.continue_from(one)

    assert other.internal_id(0) == one.internal_id(0)
    assert other.internal_id(0) == one.internal_id(0)


def test_ids_without_a_seed_differ() -> None:
    assert IdSource().internal_id(0) != IdSource().internal_id(0)


# Tests seed the module's random numbers; ids that came from there would repeat across emulators.
def test_ids_do_not_come_from_the_shared_random_numbers() -> None:
    random.seed(1)
    one: Any = IdSource().internal_id(0)
    random.seed(1)

    assert IdSource().internal_id(0) != one


def test_token_is_sixteen_hexadecimal_digits() -> None:
    token = IdSource(1).token()

    assert len(token) == 16
    assert int(token, 16) >= 0


# A number of so many digits took the square of their count; `normalizeId` takes any text.
def test_long_text_is_no_legacy_id_and_takes_no_time() -> None:
    started = time.perf_counter()

    assert decode_legacy_id("z" * 1_000_000) is None
    assert decode_legacy_id("0" * 1_000_000) is None
    assert time.perf_counter() - started < 1


def test_zeros_in_front_of_a_legacy_id_do_not_matter() -> None:
    text = base62(int.from_bytes(b"\x80" + bytes(range(16))))

    assert decode_legacy_id("000" + text) == bytes(range(16))

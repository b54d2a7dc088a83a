"""The missing value of `values/types.py`."""

import pickle

from convex_mastra_emulator import ConvexInt64, undefined
from convex_mastra_emulator.values import Undefined
from convex_mastra_emulator.values.types import undefined as same_undefined


def test_undefined_prints_as_javascript_names_it() -> None:
    assert repr(undefined) == "undefined"


# `if document.get("a", undefined):` must read as it does in JavaScript.
def test_undefined_is_falsy() -> None:
    assert not undefined


# The code compares with `is`; a copy that is another object would be stored as a value.
def test_undefined_survives_pickling_as_itself() -> None:
    assert pickle.loads(pickle.dumps(undefined)) is undefined


def test_undefined_is_the_same_wherever_it_is_imported_from() -> None:
    assert undefined is same_undefined
    assert undefined is Undefined.UNDEFINED


def test_undefined_is_not_null() -> None:
    assert undefined is not None


def test_int64_is_the_one_of_the_convex_package() -> None:
    from convex import ConvexInt64 as published

    assert ConvexInt64 is published

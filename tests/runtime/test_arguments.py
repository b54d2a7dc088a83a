"""Reading arguments of calls from Python and from inside functions; what is done with them is in `test_executor.py`."""

from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest

from convex_mastra_emulator import Limits, undefined
from convex_mastra_emulator.errors import InvalidArgument, InvalidValue, ThrownError, UnsupportedType
from convex_mastra_emulator.runtime.arguments import inner_arguments, python_arguments

LIMITS = Limits()


def values(args: Any) -> list[Any]:
    return [argument.value for argument in python_arguments(args)(LIMITS)]


@pytest.mark.parametrize("args", [None, undefined, {}])
def test_no_arguments_are_an_empty_object(args: Any) -> None:
    assert values(args) == [{}]


@pytest.mark.parametrize("args", [OrderedDict(a=1), MappingProxyType({"a": 1})], ids=["OrderedDict", "read-only"])
def test_every_mapping_is_an_object(args: Any) -> None:
    assert values(args) == [{"a": 1.0}]


@pytest.mark.parametrize("args", [[], [{}], "text", 1, True])
def test_anything_else_is_none(args: Any) -> None:
    with pytest.raises(UnsupportedType, match=r"The arguments to a Convex function must be an object\. Received: "):
        python_arguments(args)


# A caller who goes on using its dictionary must not change what was stored.
def test_arguments_are_copied() -> None:
    args = {"list": [1.0]}
    read = values(args)

    args["list"].append(2.0)

    assert read == [{"list": [1.0]}]


def test_arguments_are_measured() -> None:
    [small], [large] = python_arguments({"a": ""})(LIMITS), python_arguments({"a": "xxx"})(LIMITS)

    assert large.size == small.size + 3


def test_value_that_no_deployment_takes_is_refused_when_read() -> None:
    read = python_arguments({"$a": 1})

    with pytest.raises(InvalidValue, match="reserved"):
        read(LIMITS)


# Inside a function JavaScript's side of the call refuses them, before the called function is looked for.
def test_inner_arguments_are_read_at_once() -> None:
    with pytest.raises(ThrownError, match=r"^Field name \$a starts with a '\$', which is reserved\.$"):
        inner_arguments({"$a": 1}, LIMITS)


def test_inner_arguments_beyond_a_limit_are_read_at_once() -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid argument `args` for `runUdf`: Array length is too long"):
        inner_arguments({"a": [None] * 8193}, LIMITS)


def test_inner_argument_that_is_no_value_keeps_its_class() -> None:
    with pytest.raises(UnsupportedType, match="is not a supported Convex type"):
        inner_arguments({"a": object()}, LIMITS)


def test_inner_arguments_are_what_was_given() -> None:
    args: dict[str, Any] = {"a": [1.0]}
    read = inner_arguments(args, LIMITS)

    args["a"].append(2.0)

    assert [argument.value for argument in read(LIMITS)] == [{"a": [1.0]}]

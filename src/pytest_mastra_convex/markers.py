"""The markers: ``convex(...)``, ``emulator_only(reason=)``, ``live_only(reason=)`` and ``diverges("id")``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from convex_mastra_emulator.schema import Schema

MARKERS = (
    "convex(*, schema=None, limits=None, seed=None): what the test's deployment is like; the nearest marker wins, "
    "option by option",
    "emulator_only(*, reason): the test needs the emulator in its own process; it is skipped on other targets",
    "live_only(*, reason): the test needs a real deployment; it is skipped on other targets",
    'diverges("id"): shows a registered difference of a target; must fail there as long as the difference is there',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvexMarker:
    """What ``@pytest.mark.convex(...)`` may say.

    Attributes:
        schema: the tables.
        limits: numbers of ``convex_mastra_emulator.Limits`` to change.
        seed: makes ids repeatable; without one it follows from the test's name.
    """

    schema: Schema | None = None
    limits: Mapping[str, int] | None = None
    seed: int | None = None


def convex_marker(item: pytest.Item) -> ConvexMarker:
    """All ``convex`` markers of a test in one.

    Raises:
        pytest.UsageError: for an unknown option, and for a limit that is none.
    """
    merged = ConvexMarker()
    for marker in reversed(list(item.iter_markers("convex"))):
        merged = replace(merged, **_checked(item, marker))
    return merged


def _checked(item: pytest.Item, marker: pytest.Mark) -> dict[str, Any]:
    known = [field.name for field in fields(ConvexMarker)]
    if marker.args:
        raise pytest.UsageError(f"{item.nodeid}: convex() takes keyword options only: {', '.join(known)}")
    for name in marker.kwargs:
        if name not in known:
            raise pytest.UsageError(f"{item.nodeid}: convex() has no option {name!r}; known are: {', '.join(known)}")
    limits = marker.kwargs.get("limits")
    if limits is not None:
        from convex_mastra_emulator.limits import DEFAULT_LIMITS

        try:
            DEFAULT_LIMITS.lowered(limits)
        except (ValueError, AttributeError) as error:
            raise pytest.UsageError(f"{item.nodeid}: convex(limits=…): {error}") from None
    return dict(marker.kwargs)


def skip_reason(item: pytest.Item, target: str) -> str | None:
    """Why a test is not for a target; None if it is.

    Raises:
        pytest.UsageError: for a marker without its reason.
    """
    for name, needed in (("emulator_only", "emulator"), ("live_only", "live")):
        marker = item.get_closest_marker(name)
        if marker is None:
            continue
        reason = marker.kwargs.get("reason")
        if not reason or marker.args or len(marker.kwargs) != 1:
            raise pytest.UsageError(f"{item.nodeid}: {name}() takes reason=, and nothing else")
        if target != needed:
            return f"{name}: {reason}"
    return None


def diverging_id(item: pytest.Item, marker: pytest.Mark, known: Mapping[str, object]) -> str:
    """The id a ``diverges`` marker names.

    Raises:
        pytest.UsageError: if it is not one registered id.
    """
    if len(marker.args) != 1 or marker.kwargs or marker.args[0] not in known:
        names = ", ".join(sorted(known))
        raise pytest.UsageError(f"{item.nodeid}: diverges() takes one registered id; known are: {names}")
    return str(marker.args[0])

"""The pytest plugin of convex-mastra-emulator.

``fresh(convex_template)`` gives a new deployment for each example of a hypothesis test.
"""

from __future__ import annotations

from typing import Any

__all__ = ["fresh"]


def __getattr__(name: str) -> Any:
    # Not at the top: importing the plugin must cost nothing.
    if name in __all__:
        from pytest_mastra_convex import template

        return getattr(template, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

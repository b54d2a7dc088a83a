"""Hooks of the plugin.  Imports pytest and nothing heavy: every project that has the package installed pays for it.

Marker ``diverges("id")``: the test shows a known difference, registered in ``divergences.toml``; it must fail.
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line(
        "markers", 'diverges("id"): shows a registered difference between two targets; must fail as long as it is there'
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turns ``diverges`` into a strict xfail with the register's reason."""
    marked = [(item, marker) for item in items for marker in item.iter_markers("diverges")]
    if not marked:
        return
    from pytest_mastra_convex.divergences import load_divergences

    divergences = load_divergences()
    for item, marker in marked:
        if len(marker.args) != 1 or marker.kwargs or marker.args[0] not in divergences:
            known = ", ".join(sorted(divergences))
            raise pytest.UsageError(f"{item.nodeid}: diverges() takes one registered id; known are: {known}")
        divergence = divergences[marker.args[0]]
        item.add_marker(pytest.mark.xfail(strict=True, reason=f"{divergence.id}: {divergence.reason}"))

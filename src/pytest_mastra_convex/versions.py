"""What a run used: our version, the versions we mirror, and the targets."""

from __future__ import annotations

import platform

from pytest_mastra_convex.options import Settings

# Of convex/package.json; a test holds them together.
MIRRORED = {"@mastra/convex": "1.5.2", "@mastra/core": "1.71.0", "convex": "1.48.0", "convex-test": "0.0.60"}


def versions() -> dict[str, str]:
    """Versions by name, for the ledger and reports."""
    from importlib.metadata import version

    return {
        "convex-mastra-emulator": version("convex-mastra-emulator"),
        "python": platform.python_version(),
        **MIRRORED,
    }


def header(settings: Settings) -> str:
    """One line for the report's header; reads no file, since every run prints it."""
    mirrored = f"@mastra/convex {MIRRORED['@mastra/convex']}, convex {MIRRORED['convex']}"
    return f"convex: target {', '.join(settings.targets)} (mirrors {mirrored})"

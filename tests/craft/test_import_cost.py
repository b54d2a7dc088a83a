"""What an import brings along: every project that has the plugin installed pays for it in each of its runs."""

import subprocess
import sys

PLUGIN_BRINGS_NOT = (
    "numpy",
    "asyncio",
    "starlette",
    "uvicorn",
    "websockets",
    "h11",
    "hypothesis",
    "faker",
    "fakeredis",
    "convex",
    "convex_mastra_emulator",
)
PACKAGE_BRINGS_NOT = ("numpy", "starlette", "uvicorn", "websockets", "hypothesis", "faker", "fakeredis", "pytest")


def brought_along(module: str, names: tuple[str, ...]) -> list[str]:
    """Which of `names` a bare interpreter has loaded after it imported `module`."""
    program = f"import sys, {module}; print(*[name for name in {names!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return result.stdout.split()


def test_plugin_brings_nothing_heavy_along() -> None:
    assert brought_along("pytest_mastra_convex.plugin", PLUGIN_BRINGS_NOT) == []


# Vectors need numpy; whoever only stores messages should not wait for it.
def test_package_brings_nothing_heavy_along() -> None:
    assert brought_along("convex_mastra_emulator", PACKAGE_BRINGS_NOT) == []


def test_what_is_brought_along_is_found() -> None:
    assert brought_along("json", ("json", "numpy")) == ["json"]

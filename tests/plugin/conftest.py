"""Runs of pytest inside of a test forget the modules they imported first, which then exist twice.

So all of ours, and others that do not bear it, are imported before.
"""

from __future__ import annotations

import http.cookiejar  # noqa: F401
import importlib
import pkgutil

import convex.http_client  # noqa: F401
import faker
import hypothesis.strategies  # noqa: F401
import numpy as np  # noqa: F401
import requests  # noqa: F401

import convex_mastra_emulator
import pytest_mastra_convex

faker.Faker()

for package in (convex_mastra_emulator, pytest_mastra_convex):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # Running a program, or the tests that are shipped, is not what an import is for.
        if not module.name.endswith("__main__") and ".conformance." not in module.name:
            importlib.import_module(module.name)

"""Runs of pytest inside of a test forget what they imported; modules that do not bear it are imported before."""

from __future__ import annotations

import http.cookiejar  # noqa: F401

import convex.http_client  # noqa: F401
import numpy as np  # noqa: F401
import requests  # noqa: F401

import pytest_mastra_convex.client
import pytest_mastra_convex.factories
import pytest_mastra_convex.native_indexes
import pytest_mastra_convex.served_targets
import pytest_mastra_convex.targets
import pytest_mastra_convex.template
import pytest_mastra_convex.usage  # noqa: F401

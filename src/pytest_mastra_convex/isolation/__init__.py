"""Tests on a deployment that others use at the same time: each sees, and deletes, only what it made itself."""

from pytest_mastra_convex.isolation.deployment import IsolatedDeployment
from pytest_mastra_convex.isolation.names import IsolationRefused
from pytest_mastra_convex.isolation.paths import MastraPaths

__all__ = ["IsolatedDeployment", "IsolationRefused", "MastraPaths"]

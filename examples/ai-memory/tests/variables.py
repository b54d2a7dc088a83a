"""The environment variables of a deployment."""

from __future__ import annotations

from typing import Protocol

import requests


class Variables(Protocol):
    """What tests do with variables, here and elsewhere."""

    def __setitem__(self, name: str, value: str) -> None: ...

    def __delitem__(self, name: str) -> None: ...


class DeployedVariables:
    """Those of a deployment elsewhere, changed as ``npx convex env set`` and ``npx convex env remove`` do it.

    Args:
        url: of the deployment.
        admin_key: its admin or deploy key.
    """

    def __init__(self, url: str, admin_key: str) -> None:
        self._url = f"{url}/api/update_environment_variables"
        self._headers = {"Authorization": f"Convex {admin_key}"}

    def __setitem__(self, name: str, value: str) -> None:
        self._change({"name": name, "value": value})

    def __delitem__(self, name: str) -> None:
        self._change({"name": name})

    def _change(self, change: dict[str, str]) -> None:
        response = requests.post(self._url, json={"changes": [change]}, headers=self._headers, timeout=30)
        response.raise_for_status()

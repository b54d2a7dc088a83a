"""A deployment that keeps what it is asked, for tests that look at requests.  Nothing here imports pytest."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RecordingDeployment:
    """Hands every call on; `requests` holds them as they were when they were sent."""

    deployment: Any
    requests: list[dict[str, Any]] = field(default_factory=list)

    def query(self, path: str, args: Any = None) -> Any:
        return self._call("query", path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        return self._call("mutation", path, args)

    def action(self, path: str, args: Any = None) -> Any:
        return self._call("action", path, args)

    @property
    def arguments(self) -> list[Any]:
        """The arguments of the requests."""
        return [request["args"] for request in self.requests]

    @property
    def operations(self) -> list[str]:
        """The operations that were asked of ``storage:handle``."""
        return [arguments["op"] for arguments in self.arguments]

    def _call(self, kind: str, path: str, args: Any) -> Any:
        # Through JSON, so that what a store changes later does not change what was recorded.
        self.requests.append({"kind": kind, "path": path, "args": json.loads(json.dumps(args, allow_nan=False))})
        return getattr(self.deployment, kind)(path, args)

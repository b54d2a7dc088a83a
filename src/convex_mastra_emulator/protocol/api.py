"""Everything one deployment answers to: the HTTP function API, and the sync protocol."""

from __future__ import annotations

import re
from collections.abc import Callable

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.protocol.auth import Authenticator
from convex_mastra_emulator.protocol.client_version import UNKNOWN_CLIENT, ClientVersion, parse_client_version
from convex_mastra_emulator.protocol.data_routes import DataRoutes
from convex_mastra_emulator.protocol.http import HttpApi
from convex_mastra_emulator.protocol.log_routes import LogRoutes
from convex_mastra_emulator.protocol.push_routes import PushRoutes
from convex_mastra_emulator.protocol.sync import SessionRequests, SyncSession
from convex_mastra_emulator.protocol.system import system_functions

_SYNC_PATH = re.compile(r"/api/(?:([^/]+)/)?sync")


class DeploymentApi:
    """The protocols of one deployment.

    Args:
        emulator: the deployment.
        admin_key: the key that makes an administrator.
        instance_name: what ``/instance_name`` answers.
        version: what ``/version`` answers.

    Raises:
        ValueError: for an admin key that cannot be one.
    """

    def __init__(self, emulator: Emulator, *, admin_key: str, instance_name: str, version: str = "unknown") -> None:
        self.emulator = emulator
        self._authenticator = Authenticator(admin_key, emulator.verify_token)
        self._requests = SessionRequests()
        self.http = HttpApi(emulator, self._authenticator, instance_name=instance_name, version=version)
        self.http.add_admin_routes(DataRoutes(emulator, instance_name).routes)
        pushes = PushRoutes(emulator, self._authenticator, instance_name)
        self.http.add_admin_routes(pushes.admin_routes)
        self.http.add_routes(pushes.routes)
        self.http.add_admin_routes(LogRoutes(emulator).routes)
        emulator.define_system(system_functions(emulator))

    def sync_endpoint(self, path: str, client_header: str | None) -> Callable[[Callable[[], None]], SyncSession] | None:
        """Opens sessions for a socket at ``path``; None if there is no socket.

        The version in the path is npm's; a ``Convex-Client`` header wins over it (convex-wire.md §3.1).

        Raises:
            RequestRefused: ``InvalidClientVersion`` or ``ClientVersionUnsupported``.
        """
        found = _SYNC_PATH.fullmatch(path)
        if found is None:
            return None
        client = self._client(found[1], client_header)
        return lambda on_stale: SyncSession(self.emulator, self._authenticator, client, self._requests, on_stale)

    @staticmethod
    def _client(path_version: str | None, header: str | None) -> ClientVersion:
        client = UNKNOWN_CLIENT
        if path_version is not None:
            client = parse_client_version(f"npm-{path_version}")
            if client.version is None:
                raise RequestRefused(
                    f"Failed to parse client version: unexpected character in {path_version!r}",
                    code="InvalidClientVersion",
                )
        if header is not None:
            client = parse_client_version(header)
        if client.unsupported_message is not None:
            raise RequestRefused(client.unsupported_message, code="ClientVersionUnsupported")
        return client

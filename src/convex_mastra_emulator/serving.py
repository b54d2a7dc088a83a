"""An emulator on sockets, while a block runs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, cast, overload

from convex_mastra_emulator.errors import NotEmulated
from convex_mastra_emulator.mastra import MASTRA_FUNCTIONS
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.schema import Schema

if TYPE_CHECKING:
    from convex_mastra_emulator.emulator import Emulator
    from convex_mastra_emulator.server.process import ServedProcess
    from convex_mastra_emulator.server.thread import ServedEmulator


class Servable:
    """What an emulator needs to be served."""

    _executor: Executor

    if TYPE_CHECKING:  # the emulator's own

        @property
        def schema(self) -> Schema:
            """The tables."""

        def function_paths(self) -> list[str]:
            """The paths of all functions."""

    @overload
    def serve(
        self,
        *,
        process: Literal[False] = False,
        host: str = "127.0.0.1",
        port: int = 0,
        admin_key: str | None = None,
        site_port: int | None = None,
    ) -> AbstractContextManager[ServedEmulator]: ...

    @overload
    def serve(
        self,
        *,
        process: Literal[True],
        host: str = "127.0.0.1",
        port: int = 0,
        admin_key: str | None = None,
        site_port: int | None = None,
    ) -> AbstractContextManager[ServedProcess]: ...

    def serve(
        self,
        *,
        process: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        admin_key: str | None = None,
        site_port: int | None = None,
    ) -> AbstractContextManager[ServedEmulator | ServedProcess]:
        """Serves while a ``with`` block runs; gives ``url``, ``site_url`` and ``admin_key``.

        Args:
            process: False serves this emulator in a thread; True starts a child process with an empty emulator of
                its own and this one's schema, for PyPI ``ConvexClient``, which blocks the process it is in.
            host: the address to listen on.
            port: 0 takes a free one.
            admin_key: a random one if None.
            site_port: where HTTP actions answer; 0 takes a free one, None the one behind ``port`` if that is free.

        Raises:
            NotEmulated: with ``process``, when functions or routes were defined here: a child cannot have them.
            OSError: when the address cannot be had.
        """
        # The one look upwards, when it is asked for (docs/decisions/0004-serve-looks-upwards.md).
        from convex_mastra_emulator.server.process import ServedProcess
        from convex_mastra_emulator.server.thread import serve

        if not process:
            return serve(cast("Emulator", self), host=host, port=port, admin_key=admin_key, site_port=site_port)
        if self.function_paths() != sorted(MASTRA_FUNCTIONS) or self._executor.http_router is not None:
            raise NotEmulated(
                "functions defined in this process cannot go to a child process; name them for it: "
                'ServedProcess(functions="module:ATTRIBUTE") of convex_mastra_emulator.server'
            )
        return ServedProcess(schema=self.schema, host=host, port=port, admin_key=admin_key, site_port=site_port)

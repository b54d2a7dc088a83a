"""The emulator on a socket: an ASGI application, and a server for it in a thread or in the foreground."""

from convex_mastra_emulator.server.app import create_app
from convex_mastra_emulator.server.thread import ServedEmulator, serve

__all__ = ["ServedEmulator", "create_app", "serve"]

"""The emulator on a socket: an ASGI application, and servers for it in a thread, a child process, the foreground."""

from convex_mastra_emulator.server.app import create_app
from convex_mastra_emulator.server.process import ServedProcess
from convex_mastra_emulator.server.thread import ServedEmulator, serve

__all__ = ["ServedEmulator", "ServedProcess", "create_app", "serve"]

"""A Convex deployment, as the Mastra agent framework uses it, inside a Python process."""

from convex import ConvexError, ConvexInt64

from convex_mastra_emulator.clock import Clock, ManualClock, SystemClock
from convex_mastra_emulator.connection import ConnectedDeployment, connect
from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import EmulatorError, FunctionError
from convex_mastra_emulator.fault_kinds import FaultKind
from convex_mastra_emulator.interleaving import Interleaving, interleave
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.runtime.fetch_messages import FetchRequest, FetchResponse
from convex_mastra_emulator.runtime.file_storage import StoredBlob
from convex_mastra_emulator.runtime.functions import (
    action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.http_router import HttpRouter, http_action
from convex_mastra_emulator.runtime.identity import ADMIN, ANONYMOUS, acting_as, user_identity
from convex_mastra_emulator.runtime.tokens import AuthProvider
from convex_mastra_emulator.values import undefined

__version__ = "0.1.0"

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "AuthProvider",
    "Clock",
    "ConnectedDeployment",
    "ConvexError",
    "ConvexInt64",
    "Crons",
    "Deployment",
    "Emulator",
    "EmulatorError",
    "FaultKind",
    "FetchRequest",
    "FetchResponse",
    "FunctionError",
    "HttpActionRequest",
    "HttpActionResponse",
    "HttpRouter",
    "Interleaving",
    "Limits",
    "ManualClock",
    "StoredBlob",
    "SystemClock",
    "acting_as",
    "action",
    "connect",
    "http_action",
    "interleave",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "mutation",
    "query",
    "undefined",
    "user_identity",
]

"""Convex values in Python: what they are, how they are written, measured, ordered and named.

| Convex   | Python                                   |
|----------|------------------------------------------|
| null     | ``None``                                 |
| Int64    | ``convex.ConvexInt64``                   |
| Float64  | ``float`` (an ``int`` becomes a float)   |
| Boolean  | ``bool``                                 |
| String   | ``str`` without lone surrogates          |
| Bytes    | ``bytes``                                |
| Array    | ``list`` (a ``tuple`` becomes a list)    |
| Object   | ``dict`` with ``str`` keys, byte-ordered |

A missing value is :data:`undefined`; it is no value and can never be stored.
"""

from convex import ConvexInt64

from convex_mastra_emulator.values.types import Document, Undefined, Value, undefined

__all__ = ["ConvexInt64", "Document", "Undefined", "Value", "undefined"]

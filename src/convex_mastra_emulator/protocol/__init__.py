"""Convex' protocols as bytes in and bytes out: no sockets, no threads, no clock."""

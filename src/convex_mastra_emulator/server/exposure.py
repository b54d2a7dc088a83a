"""What it means to listen on an address that other machines reach."""

from __future__ import annotations

import ipaddress
import socket


def exposure_warning(listener: socket.socket) -> str | None:
    """What its user should know; None for an address of this machine alone."""
    host = listener.getsockname()[0]
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    if (mapped or address).is_loopback:
        return None
    where = "every network this machine is in" if address.is_unspecified else "everybody who reaches that address"
    return (
        f"warning: listening on {host}, open to {where}. Public functions need no key, nothing is encrypted, and keys "
        "and data can be read on the way. Use 127.0.0.1 unless others must get in."
    )

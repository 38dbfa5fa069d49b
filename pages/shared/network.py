"""The address at which other computers of the network reach this server."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit


def join_address(here: str) -> str:
    """The address for learners: this page's, with the computer's own address on the network in place of a loopback."""
    parts = urlsplit(here)
    host = parts.hostname or "localhost"
    if host == "localhost" or _is_loopback(host):
        host = network_address() or host
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme or 'http'}://{shown}{f':{parts.port}' if parts.port else ''}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def network_address() -> str | None:
    """The address from which this computer would speak to the network; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])

"""Tells whoever started this process that it can serve (the sd_notify protocol, as systemd and `pok up` speak it)."""

import os
import socket
from contextlib import suppress


def ready() -> None:
    """Say READY=1 to the datagram socket in NOTIFY_SOCKET, once; without one, or without a listener, do nothing.

    The edge's second process may be ready when whoever waited for the first one has gone.
    """
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices, suppress(OSError):
        notices.connect(address)
        notices.send(b"READY=1")

"""Tells whoever started this process that it can serve (the sd_notify protocol, as systemd and `pok up` speak it)."""

import os
import socket


def ready() -> None:
    """Say READY=1 to the datagram socket in NOTIFY_SOCKET, once; without one do nothing."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.connect(address)
        notices.send(b"READY=1")

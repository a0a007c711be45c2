"""Whether the certificate of an address is trusted here, and for how long it is valid."""

import socket
import ssl
import time
from urllib.parse import urlsplit

from runtime.findings import Finding

CONNECT_SECONDS = 3.0
RENEW_DAYS = 14
DAY = 86_400


def examine(about: str, url: str) -> Finding:
    """Look at what answers at an https address."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 443
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), timeout=CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Finding(about, f"certificate: {error.verify_message}", f"Give {host} a certificate that is valid.")
    except OSError as error:
        return Finding(about, f"{host}:{port} is unreachable ({type(error).__name__})", "Start it, or correct it.")
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / DAY
    advice = f"Renew the certificate of {host}." if days < RENEW_DAYS else ""
    return Finding(about, f"certificate valid for {days:.0f} days", advice)

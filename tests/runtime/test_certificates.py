"""`pok doctor` says for how long certificates are valid."""

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.stack import certificates


@contextlib.contextmanager
def served(folder: Path, days: int) -> Iterator[str]:
    """The address of a server whose certificate ends in so many days."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), *subject)
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("days", "well"), [(90, True), (5, False)])
def test_certificate_that_ends_soon_is_to_be_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, well: bool
) -> None:
    with served(tmp_path, days) as url:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        found = certificates.examine("POK_PUBLIC_URL", url)
    assert found.well is well
    assert found.state == f"certificate valid for {days} days"


def test_certificate_that_nobody_trusts_is_named(tmp_path: Path) -> None:
    with served(tmp_path, 90) as url:
        found = certificates.examine("POK_PUBLIC_URL", url)
    assert "self-signed" in found.state or "self signed" in found.state
    assert not found.well


def test_address_without_a_server_is_named() -> None:
    assert "unreachable" in certificates.examine("POK_PUBLIC_URL", "https://127.0.0.1:1").state

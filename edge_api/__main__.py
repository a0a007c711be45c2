"""`python -m edge_api`: the edge behind Granian, one event loop per process."""

import resource
import socket
import sys
import time

import structlog
from granian import Granian
from granian.constants import Interfaces, Loops

from edge_api.gathering import gathered
from edge_api.settings import Settings
from runtime import telemetry
from runtime.settings import SettingsError, load

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 20
MAX_CONNECTIONS = 10_000
"""That one process serves at once; more wait to be accepted. Far above what the live feed may hold (MAX_WATCHERS)."""

PORT_SECONDS = 3
"""How long to wait for a port that an edge which was killed still holds."""


def main() -> None:
    """Serve until SIGTERM or ctrl-C; requests under way get time to finish."""
    try:
        settings = load(Settings)
    except SettingsError as error:
        sys.exit(f"Settings are not complete:\n{error}")
    telemetry.configure("edge", settings.log_level)
    _raise_file_limit()
    _refuse_taken_port(settings.host, settings.port)
    log.info(
        "edge_starts",
        address=f"{settings.host}:{settings.port}",
        rate_limits="on" if settings.rate_limits else "off",
    )
    server = Granian(
        "edge_api.app:create_app_from_environment",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        workers=settings.edge_workers,
        loop=Loops.uvloop,
        websockets=False,
        backpressure=MAX_CONNECTIONS,
        log_access=False,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
    )
    try:
        with gathered(settings.metrics_listen):
            server.serve()
    except SettingsError as error:
        sys.exit(str(error))


def _raise_file_limit() -> None:
    # Every connection is a file, and the usual soft limit of 1,024 is no more than a few offices.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _refuse_taken_port(host: str, port: int) -> None:
    # Granian shares its port with whoever asks for the same one: two installations would serve each other's customers.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        try:
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"The edge cannot listen on {host}:{port}: {error.strerror}.")
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()

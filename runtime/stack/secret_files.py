"""The secrets of an installation in containers: one file for each, made once, as compose.yaml hands them out."""

from collections.abc import Iterator
from pathlib import Path

from runtime.stack.credentials import Credentials, new_secret

READABLE = 0o444
"""The folder keeps others out; inside of a container, where only the file is, whoever runs the service reads it."""


def make(folder: Path) -> list[str]:
    """Write what is not there yet, and change nothing else; returns the names of what was written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = Credentials.keep(folder / "credentials.json")
    made = []
    for name, content in _files(credentials):
        path = folder / name
        if not path.exists():
            path.write_text(content)
            path.chmod(READABLE)
            made.append(name)
    return made


def _files(known: Credentials) -> Iterator[tuple[str, str]]:
    services = {name: getattr(known, f"{name}_token") for name in ("edge", "worker", "ai", "inquiry")}

    def accepted(*names: str) -> str:
        return ",".join(f"{name}:{services[name]}" for name in names)

    yield "postgres_password", known.database_password
    yield "migration_database_url", f"postgresql://pok:{known.database_password}@postgres:5432/pok"
    yield "database_url", f"postgresql://pok_service:{known.database_service_password}@postgres:5432/pok"
    yield "valkey_conf", f"requirepass {known.valkey_password}\n"
    yield "redis_url", f"redis://:{known.valkey_password}@valkey:6379/0"
    yield "inquiry_service_tokens", accepted("edge", "worker", "ai")
    yield "ai_service_tokens", accepted("worker", "inquiry")
    for name, token in services.items():
        yield f"{name}_token", token
    yield "tracking_key", known.tracking_key
    yield "jwt_keys", f"1:{known.jwt_key}"
    yield "openai_api_key", ""
    yield "grafana_password", new_secret()

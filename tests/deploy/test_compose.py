"""compose.yaml runs everything, hardened, and nothing but the edge can be reached from outside."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_service.settings import AiSettings
from edge_api.settings import Settings as EdgeSettings
from edge_api.tokens import SigningKeys
from inquiry_service.settings import InquirySettings, MigrationSettings
from runtime import settings
from runtime.rpc.tokens import ServiceTokens
from runtime.settings import Key, ProcessSettings, SettingsError
from runtime.stack import secret_files
from worker.settings import WorkerSettings

ROOT = Path(__file__).parent.parent.parent
READ_BY: dict[str, type[ProcessSettings]] = {
    "migrate": MigrationSettings,
    "inquiry-service": InquirySettings,
    "ai-service": AiSettings,
    "worker": WorkerSettings,
    "edge-api": EdgeSettings,
}
OURS = tuple(READ_BY)
OBSERVING = ("prometheus", "grafana", "collector", "traces")
FIXED = {"worker_name", "web_folder"}
"""What the image or the container's name decides."""
MADE_UP: dict[Any, str] = {
    Key: "change-me-" * 4,
    SigningKeys: "1:" + "n" * 32,
    ServiceTokens: "edge:" + "edge-token-example-" * 2,
}
"""Kind of setting → a value that somebody typed."""


def composed(**environment: str) -> dict[str, Any]:
    """compose.yaml as Compose understands it."""
    command = (Path(sys.executable).with_name("docker-compose"), "-f", ROOT / "compose.yaml", "--profile", "*")
    done = subprocess.run(
        [*command, "--env-file", "/dev/null", "config", "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    understood: dict[str, Any] = json.loads(done.stdout)
    return understood


COMPOSED = composed()
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]


def test_nothing_else_is_composed() -> None:
    assert sorted(SERVICES) == sorted((*OURS, "postgres", "valkey", *OBSERVING))
    assert [name for name, service in SERVICES.items() if "profiles" in service] == sorted(OBSERVING)


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_hardened_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["mem_limit"]) > 0
    assert service["pids_limit"] > 0
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")
    assert "container_name" not in service, "it could not be scaled"
    assert service.get("ulimits", {}).get("nofile", 0) <= 20_000


def test_triage_goes_behind_intake_where_processors_are_short() -> None:
    usual = 1024
    weights = {name: SERVICES[name].get("cpu_shares", usual) for name in ("postgres", "valkey", *OURS)}
    assert {name for name, weight in weights.items() if 2 * weight <= usual} == {"ai-service", "worker"}


def test_only_the_edge_is_published_and_what_watches_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert [port["target"] for port in published.pop("edge-api")] == [8000]
    assert published.keys() <= set(OBSERVING)
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_data_can_be_reached_by_whom_it_concerns_only() -> None:
    networks = COMPOSED["networks"]
    assert networks["data"]["internal"] is networks["services"]["internal"] is True
    on_data = {name for name, service in SERVICES.items() if "data" in service["networks"]}
    assert on_data == {"postgres", "migrate", "inquiry-service"}
    outside = {name for name, service in SERVICES.items() if set(service["networks"]) & {"front", "outside"}}
    assert outside == {"edge-api", "ai-service", "prometheus", "grafana", "traces"}


def test_services_wait_for_what_they_cannot_do_without() -> None:
    def conditions(name: str) -> dict[str, str]:
        return {on: how["condition"] for on, how in SERVICES[name].get("depends_on", {}).items()}

    assert conditions("migrate") == {"postgres": "service_healthy"}
    assert conditions("inquiry-service")["migrate"] == "service_completed_successfully"
    assert conditions("edge-api") == {"inquiry-service": "service_healthy"}
    assert all("healthcheck" in SERVICES[name] for name in ("postgres", "valkey", *OURS) if name != "migrate")


def test_servers_keep_their_data_as_they_must() -> None:
    assert [volume["target"] for volume in SERVICES["postgres"]["volumes"]] == ["/var/lib/postgresql"]
    command = " ".join(SERVICES["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert SERVICES["postgres"]["image"] == "pgvector/pgvector:pg18"


def test_images_can_be_overridden() -> None:
    chosen = {name: f"registry.example/{name.lower()}:1" for name in ("POK_IMAGE", "POK_POSTGRES_IMAGE")}
    services = composed(**chosen)["services"]
    assert {services[name]["image"] for name in OURS} == {chosen["POK_IMAGE"]}
    assert services["postgres"]["image"] == chosen["POK_POSTGRES_IMAGE"]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_of_a_service_can_be_set(name: str) -> None:
    environment = SERVICES[name]["environment"]
    fields = {field.name for field in msgspec.structs.fields(READ_BY[name])} - FIXED
    if name == "migrate":
        fields -= {"log_level"}
    missing = {
        field for field in fields if not {f"POK_{field.upper()}", f"POK_{field.upper()}_FILE"} & environment.keys()
    }
    assert missing == set()


def settings_of(name: str, secrets: Path) -> dict[str, str]:
    """A service's environment, with secrets made in that folder."""
    secret_files.make(secrets)
    return {
        key: str(value).replace("/run/secrets", str(secrets))
        for key, value in SERVICES[name]["environment"].items()
        if value is not None
    }


@pytest.mark.parametrize("name", OURS)
def test_settings_with_the_made_secrets_are_accepted(tmp_path: Path, name: str) -> None:
    assert settings.load(READ_BY[name], settings_of(name, tmp_path)).env == "production"


@pytest.mark.parametrize(
    ("name", "field", "made_up"),
    [
        (name, field.name, MADE_UP[field.type])
        for name in OURS
        for field in msgspec.structs.fields(READ_BY[name])
        if field.type in MADE_UP
    ],
)
def test_production_refuses_secrets_that_nobody_drew(tmp_path: Path, name: str, field: str, made_up: str) -> None:
    environment = {**settings_of(name, tmp_path), f"POK_{field.upper()}_FILE": "", f"POK_{field.upper()}": made_up}
    with pytest.raises(SettingsError, match=f"POK_{field.upper()} looks made up"):
        settings.load(READ_BY[name], environment)
    assert settings.load(READ_BY[name], {**environment, "POK_ENV": "development"})


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files_that_are_made_and_nothing_of_them_is_in_the_environment(tmp_path: Path, name: str) -> None:
    service = SERVICES[name]
    made = set(secret_files.make(tmp_path))
    given = {secret["source"] for secret in service.get("secrets", [])}
    named = {
        Path(word).name
        for word in [*map(str, service.get("environment", {}).values()), *(service.get("command") or [])]
        if word.startswith("/run/secrets/")
    }
    assert given == named <= made
    secret = re.compile(r"PASSWORD|TOKEN|KEY|DATABASE_URL|REDIS_URL")
    plain = [key for key, value in service.get("environment", {}).items() if secret.search(key) and value]
    assert [key for key in plain if not key.endswith("_FILE")] == []


def test_made_secrets_are_kept() -> None:
    assert {Path(secret["file"]).name for secret in COMPOSED["secrets"].values()} == set(COMPOSED["secrets"])


def test_secrets_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert set(secret_files.make(folder)) == set(COMPOSED["secrets"])
    before = {path.name: path.read_text() for path in folder.iterdir()}
    (folder / "jwt_keys").unlink()
    assert secret_files.make(folder) == ["jwt_keys"]
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o777 == 0o700


def test_example_lists_exactly_what_compose_reads_with_its_defaults() -> None:
    read = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "compose.yaml").read_text()))
    listed = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "compose.env.example").read_text(), re.MULTILINE))
    assert listed == read

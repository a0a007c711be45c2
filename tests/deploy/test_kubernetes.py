"""The manifests fit each other, the settings and the secrets, and ask for no more than they need."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime import settings
from runtime.stack import secret_files
from tests.deploy.test_compose import READ_BY

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
OBJECTS: list[dict[str, Any]] = [
    found for path in sorted(FOLDER.glob("*.yml")) for found in yaml.safe_load_all(path.read_text())
]


def of_kind(*kinds: str) -> Iterator[dict[str, Any]]:
    return (found for found in OBJECTS if found["kind"] in kinds)


PODS: dict[str, dict[str, Any]] = {
    found["metadata"]["name"]: found["spec"]["template"]["spec"] for found in of_kind("Deployment", "Job")
}
LABELS = {found["spec"]["template"]["metadata"]["labels"]["app"] for found in of_kind("Deployment", "Job")}
[CONFIG] = [found["data"] for found in of_kind("ConfigMap")]


def environment_of(pod: dict[str, Any]) -> dict[str, str]:
    return {**CONFIG, **{entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}}


def test_every_object_is_whole_and_in_the_namespace() -> None:
    for found in OBJECTS:
        assert found.keys() >= {"apiVersion", "kind", "metadata"}
        assert found["metadata"].get("namespace", "pok") == "pok"
        if found["kind"] == "Deployment":
            selected = found["spec"]["selector"]["matchLabels"]
            assert selected == found["spec"]["template"]["metadata"]["labels"]
    assert PODS.keys() == READ_BY.keys()


@pytest.mark.parametrize("name", PODS)
def test_pod_is_restricted(name: str) -> None:
    pod = PODS[name]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"].keys() == {"memory"}
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_triage_goes_behind_intake_where_processors_are_short() -> None:
    asked = {name: pod["containers"][0]["resources"]["requests"]["cpu"] for name, pod in PODS.items()}
    weights = {name: int(cpu.removesuffix("m")) for name, cpu in asked.items()}
    assert 2 * max(weights["ai-service"], weights["worker"]) <= min(weights["edge-api"], weights["inquiry-service"])


@pytest.mark.parametrize("name", PODS)
def test_settings_and_secrets_are_accepted(tmp_path: Path, name: str) -> None:
    pod = PODS[name]
    secret_files.make(tmp_path)
    mounted = {item["path"] for volume in pod["volumes"] for item in volume.get("secret", {}).get("items", [])}
    environment = environment_of(pod)
    named = {Path(value).name for value in environment.values() if value.startswith("/run/secrets/")}
    assert mounted == named
    given = {key: value.replace("/run/secrets", str(tmp_path)) for key, value in environment.items()}
    assert settings.load(READ_BY[name], given).env == "production"


def test_names_and_ports_fit() -> None:
    for service in of_kind("Service"):
        [container] = PODS[service["spec"]["selector"]["app"]]["containers"]
        ports = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    addresses = {
        f"{service['metadata']['name']}:{port['port']}"
        for service in of_kind("Service")
        for port in service["spec"]["ports"]
    }
    assert {CONFIG["POK_INQUIRY_ADDRESS"], CONFIG["POK_AI_ADDRESS"]} <= addresses
    for found in of_kind("NetworkPolicy", "PodDisruptionBudget"):
        selector = found["spec"].get("podSelector") or found["spec"].get("selector") or {}
        assert set(selector.get("matchLabels", {}).values()) <= LABELS


def test_pods_are_given_the_time_that_they_drain_for() -> None:
    for name, pod in PODS.items():
        assert pod["terminationGracePeriodSeconds"] >= 5 + 25, name
    served = {service["spec"]["selector"]["app"] for service in of_kind("Service")}
    assert {name for name, pod in PODS.items() if "lifecycle" in pod["containers"][0]} == served

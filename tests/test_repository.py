"""What stands in the repository beside the code is true of the code."""

import json
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from ai_service.settings import AiSettings
from edge_api.settings import Settings as EdgeSettings
from inquiry_service.settings import InquirySettings, MigrationSettings
from runtime.settings import ProcessSettings
from runtime.stack.up import UpSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).parent.parent
STRUCTS: tuple[type[ProcessSettings], ...] = (
    AiSettings,
    EdgeSettings,
    InquirySettings,
    MigrationSettings,
    UpSettings,
    WorkerSettings,
)


def test_env_example_lists_exactly_the_variables_that_processes_read() -> None:
    read = {f"POK_{field.name.upper()}" for struct in STRUCTS for field in msgspec.structs.fields(struct)}
    listed = re.findall(r"^(POK_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(read)


@pytest.mark.parametrize(
    "document",
    ["README.md", "README.es.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/operation.md", "docs/scaling.md"],
)
def test_paths_and_make_targets_named_in_documents_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z0-9-]+)`", text)) <= targets
    paths = re.findall(r"`((?:edge_api|inquiry_service|ai_service|worker|runtime|proto|tests)/[\w./-]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_nothing_that_is_committed_leads_out_of_the_repository() -> None:
    done = subprocess.run(["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True)
    link = "120000"
    assert [line for line in done.stdout.splitlines() if line.startswith(link)] == []


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_every_python_package_is_locked_with_hashes(lock: str) -> None:
    packages = (ROOT / lock).read_text().replace("\\\n", "").splitlines()
    assert packages
    assert [line for line in packages if not re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


@pytest.mark.parametrize("lock", ["web/package-lock.json", "benchmarks/lighthouse/package-lock.json"])
def test_every_package_of_the_dashboard_is_locked_with_its_hash(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    assert len(packages) > 1
    own = (
        "",
        *(name for name, package in packages.items() if package.get("inBundle")),
    )  # in the hash of what bundles them
    assert [name for name, package in packages.items() if name not in own and "integrity" not in package] == []


def test_no_two_components_of_the_dashboard_have_one_name() -> None:
    names = [file.stem for file in (ROOT / "web/app/components").rglob("*.vue")]
    assert len(names) == len(set(names)) > 0  # Nuxt takes one of them without a word

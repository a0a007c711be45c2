"""An image holds what it needs and no secret. There is no engine here: .dockerignore is read, and the wheel built."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.stack import web
from tests.deploy.test_compose import OURS, SERVICES

ROOT = Path(__file__).parent.parent.parent
CANARY = "canary-of-a-secret"
KEPT_WHERE_IT_RUNS = (
    ".env",
    ".env.production",
    ".pok/credentials.json",
    "secrets/jwt_keys",
    "secrets-of-production/database_url",
    "credentials.json",
    "dump.sql",
    "id_ed25519",
    "deploy/kubernetes/secret.yml",
    "web/.env",
    "edge_api/.env.local",
    "ai_service/.cache/openai_api_key",
)
"""Where people keep what nobody else may see."""
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.+)$", (ROOT / "Dockerfile").read_text().replace("\\\n", ""), re.MULTILINE)


def pattern(rule: str) -> re.Pattern[str]:
    """A line of .dockerignore; what it names is meant with all that is in it."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile(
        "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*)", rule)) + "(?:/.*)?"
    )


RULES = [
    (pattern(line.removeprefix("!")), line.startswith("!"))
    for line in (ROOT / ".dockerignore").read_text().splitlines()
    if not line.startswith("#")
]


def let_in(path: str) -> bool:
    """Whether a file gets to whoever builds the image: the last rule about it decides."""
    return [True, *(exception for rule, exception in RULES if rule.fullmatch(path))][-1]


def instructions(*names: str) -> Iterator[str]:
    return (rest for name, rest in INSTRUCTIONS if name in names)


@pytest.fixture(scope="module")
def committed() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(committed: list[str], tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """What the image installs, built as its Dockerfile does out of a tree in which secrets lie about."""
    tree = tmp_path_factory.mktemp("image")
    for path in filter(let_in, committed):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tree / path)
    for path in filter(let_in, KEPT_WHERE_IT_RUNS):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(CANARY)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tree)
    subprocess.run([*pip, tree], check=True)
    [built] = tree.glob("*.whl")
    return zipfile.ZipFile(built)


def test_no_secret_gets_to_whoever_builds_the_image() -> None:
    assert [path for path in KEPT_WHERE_IT_RUNS if let_in(path)] == []


def test_installed_package_is_whole_and_holds_no_secret(wheel: zipfile.ZipFile, committed: list[str]) -> None:
    packages = ("runtime/", "edge_api/", "inquiry_service/", "ai_service/", "worker/")
    assert {path for path in committed if path.startswith(packages)} <= set(wheel.namelist())
    assert "pok/inquiry/v1/inquiry_pb2_grpc.py" in wheel.namelist()
    assert [name for name in wheel.namelist() if CANARY.encode() in wheel.read(name)] == []


def test_dashboard_can_be_built_in_the_image() -> None:
    needed = [*web.sources(), web.LOCK, web.WEB / ".npmrc"]
    assert [path for path in needed if not let_in(path.relative_to(ROOT).as_posix())] == []


def test_no_argument_or_variable_of_the_image_can_carry_a_secret() -> None:
    assert {argument.partition("=")[0] for argument in instructions("ARG")} == {"PYTHON"}
    assert {name for given in instructions("ENV") for name in re.findall(r"(\w+)=", given)} == {
        *("PATH", "POK_WEB_FOLDER", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
    }
    assert [SERVICES[name]["build"]["args"].keys() for name in OURS] == [{"PYTHON"}] * len(OURS)


def test_final_stage_holds_what_was_installed_and_nothing_else_and_is_nobody_special() -> None:
    assert [name for name, _ in INSTRUCTIONS].count("ADD") == 0
    final = INSTRUCTIONS[max(index for index, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]
    assert [rest for name, rest in final if name == "COPY"] == ["--from=build /pok /pok"]
    assert [rest.split()[0] for name, rest in final if name == "RUN"] == ["useradd"]
    assert [rest for name, rest in final if name == "USER"] == ["pok"]

"""Build hook: compile every .proto into typed Python stubs beside it (git-ignored, one copy of the truth)."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
OUTPUTS = ("--python_out", "--mypy_out", "--grpc_python_out", "--mypy_grpc_out")


def compile_protos() -> None:
    """Run protoc once over all contracts; raises CalledProcessError with protoc's own message."""
    sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("pok/**/*.proto"))
    includes = [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}"]
    outputs = [f"{flag}={ROOT}" for flag in OUTPUTS]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, *outputs, *sources]
    plugin_path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PATH": plugin_path})


class CompileProtos(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the contracts for wheels and editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile and tell hatch to ship the git-ignored output."""
        compile_protos()
        build_data["artifacts"] += ["*_pb2.py", "*_pb2_grpc.py", "*_pb2.pyi", "*_pb2_grpc.pyi"]


if __name__ == "__main__":
    compile_protos()

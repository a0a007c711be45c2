"""What `make` does before anything is installed."""

import ast
import sys
from pathlib import Path

import pytest

from runtime.stack import install


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with nothing but what decides about the installation, and a .venv that holds it."""
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml", "proto/build.py", "proto/a.proto"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "python").touch()
    for name, path in (("ROOT", ""), ("STAMP", "stamp"), ("PYTHON", "python"), ("RUNTIME", "requirements.lock")):
        monkeypatch.setattr(install, name, tmp_path / path)
    install.STAMP.write_text(install.fingerprint(install.RUNTIME))
    return tmp_path


def test_old_python_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "OLDEST", (99, 1))
    assert install.main() == 1
    assert "POK needs Python 99.1 or newer" in capsys.readouterr().err


def test_missing_venv_module_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert f"sudo apt install python3.{sys.version_info[1]}-venv" in install.interpreter_problem()


def test_installer_can_be_read_by_pythons_that_it_refuses() -> None:
    source = Path(install.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    annotations = [note for f in functions for note in (f.returns, *(a.annotation for a in f.args.args)) if note]
    assert annotations
    assert not any(isinstance(annotation, (ast.Subscript, ast.BinOp)) for annotation in annotations)


def test_nothing_is_installed_again_while_nothing_has_changed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "install", lambda lock: pytest.fail(f"installs {lock}"))
    monkeypatch.setattr(sys, "argv", ["install.py"])
    assert install.main() == 0


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "proto/build.py", "proto/a.proto"])
def test_change_of_lock_project_or_contract_installs_again(checkout: Path, name: str) -> None:
    (checkout / name).write_text("changed")
    assert install.fingerprint(install.RUNTIME) not in install.installed()


def test_removed_venv_counts_as_not_installed(checkout: Path) -> None:
    (checkout / "python").unlink()
    assert install.installed() == ""


def test_failed_step_shows_what_the_command_wrote() -> None:
    with pytest.raises(install.StepError, match="no such index"):
        install.step("installing", sys.executable, "-c", "import sys; sys.exit('no such index')")


def test_fast_installer_is_taken_with_the_hashes_of_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    lines = install.uv_alone().read_text().splitlines()
    assert lines[0].startswith("uv==")
    assert len(lines) > 1
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])

"""The API's description as a committed file: `python -m edge_api.published` writes it, `… check` guards its clients."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from litestar import Litestar

from edge_api import compatibility, document, openapi
from edge_api.app import ROUTES

FILE = Path(__file__).parent / "openapi.json"
GIT_SECONDS = 30


def derived() -> str:
    """The description of the routes as they are, as the file holds it."""
    app = Litestar(route_handlers=ROUTES, openapi_config=openapi.config())
    served = document.completed(app.openapi_schema.to_schema())
    return json.dumps(served, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file, or exit with what it takes from the clients of the version committed before."""
    if sys.argv[1:] != ["check"]:
        FILE.write_text(derived())
        return
    present = json.loads(FILE.read_text())
    broken = list(compatibility.breaks(_replaced_by(present), present))
    if broken:
        sys.exit("\n".join(["This breaks clients; raise the version in pyproject.toml if it must be:", *broken]))


def _replaced_by(present: dict[str, Any]) -> dict[str, Any]:
    # In a clean checkout the present file is the committed one: then the question is what that one replaced. A copy
    # without history (an archive, a shallow clone) holds nothing to compare with but itself.
    for commit in _git("log", "--format=%H", "--diff-filter=AM", "--", FILE.name).split():
        committed: dict[str, Any] = json.loads(_git("show", f"{commit}:./{FILE.name}"))
        if committed != present:
            return committed
    return present


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    ran = subprocess.run(command, cwd=FILE.parent, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)  # noqa: S603
    return ran.stdout


if __name__ == "__main__":
    main()

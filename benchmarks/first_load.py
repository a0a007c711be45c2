"""How many bytes of scripts the first load of a screen takes, compressed, against what it may take.

    .venv/bin/python -m benchmarks.first_load

Reads the built dashboard (`make web`): the entry, the screen's page and layout, and what all screens say in one
language, each with everything that it imports. Exits with 1 where a screen is over its budget.
`tests/e2e/browser/test_first_load.py` holds this to what a browser really asks for.
"""

import gzip
import json
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from runtime.stack.web import OUTPUT

GRAPH = OUTPUT.parent / "modules.json"
LANGUAGE = "../i18n/locales/es/"


class Screen(NamedTuple):
    """A screen by its source files, and what its first load may take."""

    page: str
    layout: str
    most: int
    """Bytes of scripts, compressed with gzip."""


SCREENS = {
    "login": Screen("pages/login.vue", "layouts/auth.vue", 210_000),
    "inbox": Screen("pages/inbox/[[id]].vue", "layouts/default.vue", 340_000),
}


def first_load(screen: Screen) -> set[str]:
    """The script files that the screen waits for."""
    graph: dict[str, Any] = json.loads(GRAPH.read_text())
    roots = [screen.page, screen.layout, *(name for name in graph if name.startswith(LANGUAGE))]
    return files(graph, [name for name, module in graph.items() if module.get("isEntry")] + roots)


def files(graph: dict[str, Any], roots: Iterable[str]) -> set[str]:
    """The script files of these modules and of everything that they import."""
    waiting, known = list(roots), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            waiting += graph[name].get("imports", [])
    return {graph[name]["file"] for name in known if graph[name]["file"].endswith(".js")}


def compressed(file: str) -> int:
    """What a server sends for it."""
    return len(gzip.compress((OUTPUT / "_nuxt" / file).read_bytes(), 9))


def main() -> int:
    """Print the figures; return the exit status."""
    over = False
    for name, screen in SCREENS.items():
        loaded = first_load(screen)
        kilobytes = sum(map(compressed, loaded)) / 1000
        beyond = kilobytes - screen.most / 1000
        over |= beyond > 0
        verdict = f"{beyond:.1f} kB OVER its budget of" if beyond > 0 else "of at most"
        print(f"first load of {name}: {kilobytes:.1f} kB of scripts, {verdict} {screen.most // 1000} kB")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())

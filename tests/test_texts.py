"""What the dashboard says: the same in both languages, and loaded by whatever screen says it."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

WEB = Path(__file__).parents[1] / "web"
LOCALES = WEB / "i18n" / "locales"
AREAS = sorted(path.stem for path in (LOCALES / "es").glob("*.json"))
SOURCES = [path for suffix in ("vue", "ts") for path in (WEB / "app").rglob(f"*.{suffix}") if "api" not in path.parts]
NAMED = {path.stem: path for path in SOURCES if {"components", "composables", "utils"} & set(path.parts)}
ROOTS = {path.relative_to(WEB / "app").as_posix(): path for path in SOURCES if "pages" in path.parts}


def messages(language: str, area: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((LOCALES / language / f"{area}.json").read_text())
    return found


def keys_of(message: object, path: str = "") -> set[str]:
    """The path of every message in a tree of them."""
    if isinstance(message, dict):
        return {key for name, inner in message.items() for key in keys_of(inner, f"{path}.{name}")}
    return {path}


@pytest.mark.parametrize("area", AREAS)
def test_dashboard_says_everything_in_both_languages(area: str) -> None:
    assert keys_of(messages("es", area)) == keys_of(messages("en", area))


@cache
def used_by(path: Path) -> frozenset[Path]:
    """The components and composables that a source names, as Nuxt imports them by themselves."""
    names = re.findall(r"<(?:Lazy)?([A-Z]\w+)|\b(use[A-Z]\w+)\(", path.read_text())
    return frozenset(NAMED[name] for pair in names for name in pair if name in NAMED and NAMED[name] != path)


def loaded_by(path: Path, language: str) -> set[str]:
    return set(
        re.findall(rf'<i18n global locale="{language}" src="~~/i18n/locales/{language}/(\w+)\.json"', path.read_text())
    )


ALL = {key for area in AREAS for key in messages("es", area)}


def unloaded(path: Path, loaded: set[str], language: str, seen: set[Path]) -> set[str]:
    """What this source, or what it uses, says without that anything around it has loaded it."""
    seen.add(path)
    loaded = loaded | loaded_by(path, language)
    known = {key for area in loaded for key in messages(language, area)}
    said = set(re.findall(r"\bte?\([^()]*?['`](\w+)\.", path.read_text())) & ALL
    inner = (unloaded(used, loaded, language, seen) for used in used_by(path) - seen)
    return {f"{path.stem}: {key}" for key in said - known}.union(*inner)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("page", ROOTS)
def test_page_loads_all_texts_that_it_says(page: str, language: str) -> None:
    source = ROOTS[page].read_text()
    layout = re.search(r"layout: '(\w+)'", source)
    frame = WEB / "app" / "layouts" / f"{layout[1] if layout else 'default'}.vue"
    parents = [ROOTS[f"pages/{name}.vue"] for name in ("settings",) if page.startswith(f"pages/{name}/")]
    loaded = {"common"}.union(*(loaded_by(path, language) for path in (frame, *parents)))
    assert unloaded(ROOTS[page], loaded, language, set()) == set()

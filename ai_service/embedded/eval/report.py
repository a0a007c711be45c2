"""A report of tables, as markdown for people and as JSON for programs."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

Cell = str | int | float


class Table(msgspec.Struct):
    """One table with what has to be known to read it."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]]
    note: str = ""


def write(folder: Path, name: str, title: str, tables: Sequence[Table]) -> str:
    """Write `name`.md and `name`.json into `folder`, and return the markdown."""
    text = "\n\n".join([f"# {title}", *map(markdown, tables)]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    plain = {
        table.title: [dict(zip(table.columns, map(_rounded, row), strict=True)) for row in table.rows]
        for table in tables
    }
    (folder / f"{name}.json").write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return text


def markdown(table: Table) -> str:
    """The table under its heading."""
    lines = [f"## {table.title}", ""]
    lines += [table.note, ""] if table.note else []
    lines += ["| " + " | ".join(row) + " |" for row in (table.columns, ["---"] * len(table.columns))]
    lines += ["| " + " | ".join(map(_shown, row)) + " |" for row in table.rows]
    return "\n".join(lines)


def _shown(cell: Cell) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell


def _rounded(cell: Cell) -> Cell:
    return round(cell, 4) if isinstance(cell, float) else cell

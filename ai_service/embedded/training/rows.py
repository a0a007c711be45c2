"""The labelled texts: the corpus written for this project, and the public sets, which are not distributed with it."""

import json
import random
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
CORPUS, SEEDS, PHRASES = "corpus", "seeds", "phrases"


class Row(msgspec.Struct, frozen=True):
    """One labelled text; a label that is not known is empty."""

    text: str
    lang: str = ""
    category: str | None = None
    also: str | None = None
    """A second category that a careful person would accept as well."""
    sentiment: str | None = None
    priority: str | None = None
    industry: str = ""
    source: str = CORPUS
    raw: str = ""
    """What a public source calls it: a finer distinction than the category."""
    pair: str = ""
    """Names the text that says the same in another language."""

    @property
    def family(self) -> str:
        """Sources made by the same hands: `multidogo_airline` and `multidogo_media` are one family."""
        return self.source.partition("_")[0]


def read(path: Path) -> list[Row]:
    """The rows of one file of JSON lines."""
    return [msgspec.json.decode(line, type=Row) for line in path.read_text(encoding="utf-8").splitlines() if line]


def corpus() -> list[Row]:
    """Our own messages, in every language."""
    return [row for path in sorted(HERE.glob("corpus/*.jsonl")) for row in read(path)]


def phrases() -> list[Row]:
    """Short phrases with a sentiment, in every language."""
    by_language = tomllib.loads((HERE / "sentiment_phrases.toml").read_text(encoding="utf-8"))
    return [
        Row(text, lang=language, sentiment=label, source=PHRASES)
        for language, by_label in by_language.items()
        for label, texts in by_label.items()
        for text in texts
    ]


def public(folder: Path, limit: int) -> list[Row]:
    """The public sets that may be learnt from, at most `limit` rows per source and category."""
    rows = [row for path in sorted(folder.glob("category_*.jsonl")) for row in read(path)]
    return capped([row for row in rows if row.category], limit, lambda row: (row.source, row.category))


def capped(rows: Sequence[Row], limit: int, group: Callable[[Row], object]) -> list[Row]:
    """At most `limit` rows of each group, chosen by a fixed shuffle."""
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in random.Random(7).sample(rows, len(rows)):
        groups[group(row)].append(row)
    return [row for members in groups.values() for row in members[:limit]]


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines, leaving out what is empty."""
    plain = ({key: value for key, value in msgspec.to_builtins(row).items() if value} for row in rows)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain), encoding="utf-8")

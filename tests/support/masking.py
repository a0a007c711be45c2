"""Messages of our own in which everything personal is marked, and how much of it the masking finds."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import NamedTuple

from ai_service.privacy import masking
from ai_service.privacy.names import Known

_MARK = re.compile(r"\{(?P<kind>[a-z]+)\|(?P<text>[^}]+)\}")


class Labelled(NamedTuple):
    """A message, its customer, and the spans that are personal."""

    name: str
    text: str
    spans: tuple[tuple[int, int, str], ...]


class Measured(NamedTuple):
    """How much was found, by kind, and what was not, or was wrongly."""

    marked: Counter[str]
    hidden: Counter[str]
    taken: int
    wrong: list[tuple[str, str]]
    missed: list[tuple[str, str]]

    @property
    def precision(self) -> float:
        """The share of what was hidden that is personal."""
        return 1 - len(self.wrong) / self.taken


def labelled(name: str) -> Iterator[Labelled]:
    """The messages of one file."""
    content = resources.files("tests.ai_service").joinpath(f"masking/{name}.txt").read_text(encoding="utf-8")
    for block in content.split("\n---\n"):
        first, _, marked = block.strip().partition("\n")
        yield _read(first.removeprefix("name: "), marked)


def measure(messages: Iterator[Labelled]) -> Measured:
    """What of the marked is wholly hidden, and whether what is hidden was marked."""
    result = Measured(Counter(), Counter(), 0, [], [])
    taken = 0
    for message in messages:
        found = masking.spans(message.text, Known(message.name, [message.text]))
        covered = {at for start, end, _ in found for at in range(start, end)}
        marked = {at for start, end, _ in message.spans for at in range(start, end)}
        taken += len(found)
        for start, end, kind in message.spans:
            result.marked[kind] += 1
            letters = [at for at in range(start, end) if message.text[at].isalnum()]
            if covered.issuperset(letters):
                result.hidden[kind] += 1
            else:
                result.missed.append((kind, message.text[start:end]))
        for start, end, kind in found:
            if 2 * len(marked & set(range(start, end))) < end - start:
                result.wrong.append((kind, message.text[start:end]))
    return result._replace(taken=taken)


def _read(name: str, marked: str) -> Labelled:
    text, spans, at = "", [], 0
    for match in _MARK.finditer(marked):
        text += marked[at : match.start()]
        spans.append((len(text), len(text) + len(match["text"]), match["kind"]))
        text += match["text"]
        at = match.end()
    return Labelled(name, text + marked[at:], tuple(spans))


if __name__ == "__main__":
    for part in ("held_out", "others", "tuned"):
        found = measure(labelled(part))
        hidden, marked = found.hidden.total(), found.marked.total()
        print(f"{part}: {hidden} of {marked} hidden; {found.taken - len(found.wrong)} of {found.taken} personal")

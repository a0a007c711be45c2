"""Inquiries of Spanish and English customers, made of a vocabulary of our own; number n is the same in every run."""

import random
import tomllib
from pathlib import Path
from typing import NamedTuple

VOCABULARY = Path(__file__).with_name("vocabulary.toml")
CORES = 4_000
"""Distinct things that customers want; each stands in many inquiries, said around it with other words."""

SPANISH = 0.6
RARE = 1_000
"""One inquiry in so many has a word that hardly any other has."""

STATUSES = ("new", "open", "pending", "resolved", "closed", "spam")
SHARES = (4, 6, 5, 35, 49, 1)


class Core(NamedTuple):
    """What somebody wants."""

    category: str
    language: str
    subject: str
    text: str


class Written(NamedTuple):
    """One inquiry; `core` is its place among the cores."""

    core: int
    category: str
    language: str
    name: str
    email: str
    subject: str
    message: str
    reply: str
    note: str
    status: str
    sentiment: str
    priority: str
    tags: list[str]
    agent: int
    confidence: float


class Writer:
    """Writes inquiries."""

    def __init__(self) -> None:
        words = tomllib.loads(VOCABULARY.read_text())
        self._words = {
            name: value.split("|") if "|" in value else value.split()
            for name, value in words.items()
            if isinstance(value, str)
        }
        self._words = {name: [word.strip() for word in found if word.strip()] for name, found in self._words.items()}
        self._sentences = {name: value for name, value in words.items() if name.startswith(("open", "clos", "repl"))}
        self._categories = words["category"]
        self.cores = self._made_cores()

    def inquiry(self, number: int) -> Written:
        """Inquiry number `number`."""
        chance = random.Random(number)
        place = chance.randrange(CORES)
        core = self.cores[place]
        given = chance.choice(self._words["given"])
        families = chance.choices(self._words["family"], k=2 if core.language == "es" else 1)
        order = f"{chance.choice('ABCDEFGH')}-{chance.randrange(10_000, 10_000_000)}"
        openings, closings, replies = (
            self._sentences[f"{name}_{core.language}"] for name in ("openings", "closings", "replies")
        )
        closing = " ".join(self._filled(chance.choice(closings), core.language, chance) for _ in range(2))
        rare = f" ({chance.choice(self._words['rare'])})" if chance.randrange(RARE) == 0 else ""
        status = chance.choices(STATUSES, SHARES)[0]
        return Written(
            core=place,
            category=core.category,
            language=core.language,
            name=" ".join([given, *families]),
            email=f"{given}.{families[0]}{chance.randrange(1000)}@{chance.choice(self._words['domains'])}".lower(),
            subject=f"{core.subject} {order}" if chance.random() < 0.3 else core.subject,
            message=f"{chance.choice(openings)} {core.text.replace('{number}', order)}{rare} {closing}",
            reply=chance.choice(replies).format(name=given, number=order) if status in STATUSES[2:5] else "",
            note=f"{chance.choice(self._words['carriers'])}, {order}" if chance.random() < 0.1 else "",
            status=status,
            sentiment=chance.choices(("negative", "neutral", "positive"), (5, 4, 1))[0],
            priority=chance.choices(("low", "normal", "high", "urgent"), (1, 6, 2, 1))[0],
            tags=sorted(set(chance.choices(self._words["tags"], k=chance.choice((0, 0, 0, 1, 2))))),
            agent=chance.randrange(-8, 20),
            confidence=round(1 - chance.random() ** 2 * 0.6, 3),
        )

    def _made_cores(self) -> list[Core]:
        chance = random.Random("cores")
        cores: list[Core] = []
        while len(cores) < CORES:
            language = "es" if chance.random() < SPANISH else "en"
            category = chance.choice(self._categories)
            subject, text = chance.choice(category[language])
            cores.append(Core(category["key"], language, subject, self._filled(text, language, chance)))
        return cores

    def _filled(self, text: str, language: str, chance: random.Random) -> str:
        for name, words in (
            ("product", f"products_{language}"),
            ("city", "cities"),
            ("carrier", "carriers"),
            ("day", f"days_{language}"),
        ):
            if f"{{{name}}}" in text:
                text = text.replace(f"{{{name}}}", chance.choice(self._words[words]))
        return text

"""What happens in the demo, and when: planned before anything is written."""

import math
import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import msgspec

DAYS = 60
PREFIX = "pok-demo-"
"""Of the external ids, by which the demo is known."""

# How much comes in on each day of the week, and in each hour (UTC).
WEEK = (1.15, 1.05, 1.0, 1.0, 0.95, 0.5, 0.35)
HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 7, 9, 10, 9, 7, 6, 7, 8, 8, 7, 6, 6, 5, 4, 3, 2)
OPENS, CLOSES = 8, 18
LATE = timedelta(hours=2)
"""The newest inquiries of the story fall in this time before now, whatever the hour."""

Doing = Literal["assign", "judge", "raise", "tag", "note", "reply", "follow_up", "resolve", "close", "spam"]


class Letter(msgspec.Struct, frozen=True):
    """What a customer writes, and the category that an agent finds right."""

    name: str
    email: str
    subject: str
    message: str
    category: str
    spam: bool = False


class Step(NamedTuple):
    """Something that an agent (by number) or the customer does to an inquiry."""

    at: datetime
    doing: Doing
    agent: int
    words: int
    """Chooses among the words for it."""


class Case(NamedTuple):
    """An inquiry with its life."""

    external_id: str
    letter: Letter
    create_time: datetime
    steps: Sequence[Step]


def letters() -> list[Letter]:
    """All of them."""
    lines = (files(__package__) / "inquiries.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Letter) for line in lines]


def words() -> Mapping[str, Any]:
    """What is said besides, and who the agents are."""
    return tomllib.loads((files(__package__) / "words.toml").read_text())


def tell(now: datetime, agents: int) -> list[Case]:
    """The time before `now`, oldest first; the same each time but for its dates. Nothing happens after `now`."""
    chance = random.Random(1789)  # noqa: S311 - a story, not a secret
    written = letters()
    chance.shuffle(written)
    times = sorted(_times(now, len(written), chance))
    return [
        Case(
            f"{PREFIX}{number:04}",
            letter,
            time,
            [step for step in _life(letter, time, agents, chance) if step.at < now],
        )
        for number, (letter, time) in enumerate(zip(written, times, strict=True), 1)
    ]


def _times(now: datetime, count: int, chance: random.Random) -> Iterator[datetime]:
    fresh = 5
    for _ in range(fresh):
        yield now - LATE * chance.random()
    first = (now - timedelta(days=DAYS)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [first + timedelta(days=day) for day in range(DAYS + 1)]
    weights = [WEEK[day.weekday()] * (0.8 + 0.4 * index / DAYS) for index, day in enumerate(days)]
    made = fresh
    while made < count:
        [day], [hour] = chance.choices(days, weights), chance.choices(range(24), HOURS)
        time = day + timedelta(hours=hour, seconds=chance.random() * 3600)
        if time < now - LATE:
            made += 1
            yield time


def _life(letter: Letter, received: datetime, agents: int, chance: random.Random) -> Iterator[Step]:
    agent, words = chance.randrange(agents), chance.randrange(1000)
    urgent = letter.category == "security_fraud"

    def after(start: datetime, hours: float) -> datetime:
        return _at_work(start + timedelta(hours=chance.lognormvariate(math.log(hours), 0.8)))

    taken = after(received, 0.3 if urgent else 1.2)
    if letter.spam:
        yield Step(taken, "spam", agent, words)
        return
    if chance.random() < 0.12:  # waits longer than it should
        taken = after(taken, 30)
    yield Step(taken, "assign", agent, words)
    if chance.random() < 0.75:
        yield Step(taken + timedelta(seconds=40), "judge", agent, words)
    if urgent and chance.random() < 0.6:
        yield Step(taken + timedelta(seconds=55), "raise", agent, words)
    if chance.random() < 0.35:
        yield Step(taken + timedelta(seconds=70), "tag", agent, words)
    if chance.random() < 0.3:
        yield Step(taken + timedelta(minutes=4), "note", agent, words)
    answered = after(taken + timedelta(minutes=5), 0.3)
    yield Step(answered, "reply", agent, words)
    if chance.random() < 0.16:
        heard = answered + timedelta(hours=chance.uniform(1, 30))
        yield Step(heard, "follow_up", agent, words)
        answered = after(heard, 2)
        yield Step(answered, "reply", agent, words + 1)
    done = after(answered, 14 if chance.random() < 0.85 else 150)
    yield Step(done, "resolve", agent, words)
    if chance.random() < 0.15:
        yield Step(after(done, 96), "close", agent, words)


def _at_work(time: datetime) -> datetime:
    """The time itself, or, out of hours, some minutes after the desk opens again."""
    opens = time.replace(hour=OPENS, minute=0)
    if time.hour >= CLOSES:
        opens += timedelta(days=1)
    elif time.hour >= OPENS and time.weekday() < 6:
        return time
    while opens.weekday() == 6:
        opens += timedelta(days=1)
    return opens + timedelta(minutes=time.minute * 1.5)

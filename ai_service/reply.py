"""Drafts a reply from templates: never a promise, the customer's facts restated, exactly the missing item asked for."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import msgspec

from ai_service.analysis import Entity, EntityKind, Sentiment, Source
from ai_service.instruction import Manner

FALLBACK_LANGUAGE = "en"
MAX_FACTS = 3
ASKS_EVEN_WHEN_PLEASED = frozenset({"product_sales", "orders_cancellations", "security_fraud"})
"""Categories in which a pleased customer still wants something, so that thanks alone would be no answer."""

SAFETY_COMES_FIRST = "security_fraud"
"""Advice in this category is never left out."""
PLAIN = Manner()

_IS_LETTER = re.compile(r"[^\n]{1,80}[,:]\s*\n")
"""How a text begins that brings its own greeting."""
_VARIABLE = re.compile(r"([ \t]*)\{\{\s*(\w+)\s*\}\}")
_SIGNED = re.compile(r"\{\{\s*agent_name\s*\}\}")
"""In a text that brings its own signature."""
_NAME = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?:[ '’.-]+[^\W\d_]+\.?)*")
_NOT_A_NAME = frozenset(
    {"test", "prueba", "admin", "user", "usuario", "customer", "cliente", "anonymous", "anonimo", "anónimo"}
    | {"asdf", "qwerty", "unknown", "none", "null", "na"}
)


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a draft says: an opening, the question for what is missing, more advice, then what happens next.

    A fact of a kind in `enough` answers the question; without one, the kinds of `needs` that are missing are asked for.
    A template without `needs` asks in `detail`, which is therefore left out as well once a fact has answered it.
    """

    opening: str
    detail: str = ""
    step: str = ""
    enough: tuple[EntityKind, ...] = ()
    needs: tuple[EntityKind, ...] = ()


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tone changes: how a letter begins and ends, where it is said, and a sentence after the opening."""

    greeting: str = ""
    greeting_named: str = ""
    closing: str = ""
    negative: str = ""
    other: str = ""


class Written(msgspec.Struct, frozen=True):
    """A draft; `missing` is what it asks for, `cited` the source that it builds on, if any."""

    text: str
    missing: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"joint": "and"}):
    """Everything that drafts in one language are made of; `category` maps a key and a tone to a template."""

    greeting: str
    greeting_named: str
    closing: str
    noted: str
    joint: str
    ask: str
    step: str
    formal: Frame
    warm: Frame
    acknowledgement: Template
    praise: Template
    facts: Mapping[EntityKind, str]
    missing: Mapping[EntityKind, str]
    category: Mapping[str, Mapping[str, Template]]


def draft(
    *,
    category: str | None,
    sentiment: Sentiment,
    language: str,
    entities: Sequence[Entity],
    customer_name: str,
    manner: Manner = PLAIN,
    canned: Source | None = None,
    reference: str = "",
    subject: str = "",
) -> Written:
    """A reply for an agent to check; without a `category` (the model is not sure enough) a neutral acknowledgement.

    A canned reply that fits takes the place of the template's words. Its variables are filled in; the team signs, as it
    does all drafts, since nobody knows yet who will send it.
    """
    phrases = _phrases(_spoken(language))
    frame = {"formal": phrases.formal, "warm": phrases.warm, "": Frame()}[manner.tone]
    if canned:
        body = filled(
            canned.text,
            customer_name=plausible_name(customer_name),
            reference=reference,
            subject=subject,
            agent_name=team(canned.language),
        ).strip()
        if not _IS_LETTER.match(body):
            body = _letter(phrases, frame, customer_name, body, signed=_SIGNED.search(canned.text) is not None)
        return Written(body, cited=(canned.id,))
    template = _choose(phrases, category, sentiment)
    noted = _noted(phrases, entities)
    missing = _missing(phrases, template, {entity.kind for entity in entities})
    detail = _detail(template, {entity.kind for entity in entities})
    if manner.shorter and (missing or noted) and category != SAFETY_COMES_FIRST:
        detail = ""
    sentences = (
        template.opening,
        frame.negative if sentiment is Sentiment.NEGATIVE else frame.other,
        noted,
        phrases.ask.format(missing=_joined(missing, phrases.joint)) if missing else "",
        detail,
        template.step or phrases.step,
    )
    return Written(_letter(phrases, frame, customer_name, " ".join(filter(None, sentences))), missing=tuple(missing))


def filled(text: str, **values: str) -> str:
    """The text with these of its variables filled in; where one is empty, the space before it goes too."""

    def value(variable: re.Match[str]) -> str:
        space, name = variable.groups()
        return variable[0] if name not in values else values[name] and space + values[name]

    return _VARIABLE.sub(value, text)


def team(language: str) -> str:
    """Who signs in this language."""
    return _phrases(_spoken(language)).closing.splitlines()[-1]


def _letter(phrases: Phrases, frame: Frame, customer_name: str, body: str, *, signed: bool = False) -> str:
    name = plausible_name(customer_name)
    named = frame.greeting_named or phrases.greeting_named
    greeting = named.format(name=name) if name else frame.greeting or phrases.greeting
    return "\n\n".join((greeting, body) if signed else (greeting, body, frame.closing or phrases.closing))


def _choose(phrases: Phrases, category: str | None, sentiment: Sentiment) -> Template:
    by_tone = phrases.category.get(category or "")
    if by_tone is None:
        return phrases.acknowledgement
    if sentiment is Sentiment.POSITIVE and category not in ASKS_EVEN_WHEN_PLEASED:
        return phrases.praise
    return by_tone["negative" if sentiment is Sentiment.NEGATIVE else "other"]


def plausible_name(stated: str) -> str:
    """The name to greet with, or "" where what was stated is hardly a person's name."""
    name = " ".join(stated.split())
    words = name.casefold().split()
    if not 2 <= len(name) <= 60 or len(words) > 5 or not _NAME.fullmatch(name) or set(words) & _NOT_A_NAME:
        return ""
    if len(words) > 3:
        name = name.split()[0]
    return name.title() if name.islower() or name.isupper() else name


def _noted(phrases: Phrases, entities: Sequence[Entity]) -> str:
    facts = dict.fromkeys(
        phrases.facts[entity.kind].format(value=entity.value) for entity in entities if entity.kind in phrases.facts
    )
    return phrases.noted.format(facts=_joined(list(facts)[:MAX_FACTS], phrases.joint)) if facts else ""


def _missing(phrases: Phrases, template: Template, found: set[EntityKind]) -> list[str]:
    if found & set(template.enough):
        return []
    return [phrases.missing[kind] for kind in template.needs if kind not in found]


def _detail(template: Template, found: set[EntityKind]) -> str:
    return "" if found & set(template.enough) and not template.needs else template.detail


def _joined(parts: Sequence[str], joint: str) -> str:
    *first, last = parts
    return f"{', '.join(first)} {joint} {last}" if first else last


def _spoken(language: str) -> str:
    primary = language.split("-")[0]
    return primary if primary in _languages() else FALLBACK_LANGUAGE


@cache
def _languages() -> frozenset[str]:
    files = resources.files("ai_service").joinpath("replies").iterdir()
    return frozenset(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


@cache
def _phrases(language: str) -> Phrases:
    text = resources.files("ai_service").joinpath(f"replies/{language}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Phrases)

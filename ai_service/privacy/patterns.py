"""What tells itself by its form: e-mail addresses, bank accounts, cards, secrets and telephone numbers."""

import re
from collections.abc import Iterator

from ai_service.entities import PHONE_WORDS

Span = tuple[int, int]

_EMAIL = re.compile(r"[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,4}[^\W\d_]{2,24}(?!\w)")
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?:[ .-]?[A-Za-z0-9]){11,30}(?![^\W_])")
_CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d])")
_PHONES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\w+])(?:\+|00)\d{1,3}[ ./-]?\(?\d[\d ()./-]{5,16}\d(?!\w)",
        rf"\b(?:{PHONE_WORDS})\b[^\d+\n(]{{0,14}}(?P<value>\+?\(?\d[\d ()./-]{{5,18}}\d)(?!\w)",
        r"(?<![\w.,/-])\(\d{2,4}\)[ ]?\d{3,5}[ .-]?\d{3,5}(?![\w/-])",
        r"(?<![\w.,/#-])(?:\d{2,5}[ .-]\d{2,4}[ .-]\d{2,4}(?:[ .-]\d{2,4}){0,2})(?![\w/-])",
        r"(?<![\w.,/#-])(?:[679]\d{8}|0\d{2,5}[ /-]?\d{5,8}|3\d{2} \d{6,7})(?![\w/-])",
    )
)

_SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:sk|pk|rk|api|key|tok|pat|ghp|gho|ghs|glpat|xox[abprs]|npm|hf|shpat|whsec)[-_][\w-]{12,}",
        r"\bgithub_pat_\w{20,}|\bAKIA[A-Z0-9]{12,}|\bAIza[\w-]{30,}",
        r"\beyJ[\w-]{6,}(?:\.[\w-]+){1,2}",
        r"-----BEGIN [A-Z ]+-----[\s\S]+?(?:-----END [A-Z ]+-----|\Z)",
        r"(?i)(?<=[?&#])(?:token|key|api_?key|access_token|code|sig|signature|auth|secret|password)=(?P<value>[^\s&#]{6,})",
        # "password: …", "mi contraseña es …", "PIN 1234"
        r"(?i)\b(?:contraseñas?|contrasena|clave|passwor[dt]|passwort|passcode|pass|pwd|senha|palavra-passe"
        r"|mot de passe|mdp|kennwort)\b"
        r"[^\w\n]{0,3}(?:(?:que|which|die|das|che|qui)[ ]\w{1,8}[ ])?(?:(?:actual|old|nueva|new|current|uso|used?)[ ])?"
        r"(?:(?:es|is|was|era|é|est|ist|lautet|war)\b[ :]*|[:=][ ]*|[\"'“«][ ]*)"
        r"[\"'“«]?(?P<value>(?!(?:no|not|nicht|pas|não|incorrecta?|wrong|falsch|la|the|de|a|el|mal)\b)[^\s\"'”»]{4,64}?)"
        r"(?=[\"'”»]|[.,;]?(?:\s|\Z))",
        r"(?i)\bpassword[ ](?P<value>(?=\S*\d)(?=\S*[a-z])\S{6,64})",
        r"(?i)\b(?:pin|cvv2?|cvc|otp|c[óo]digo|code|kode|codice|verification|verificaci[óo]n)\b[^\d\n.!?]{0,40}?(?<![\w-])(?P<value>\d{3,8})(?![\w-])",
    )
)
_RUN = re.compile(r"(?<![\w/-])[\w-]{24,}(?![\w/-])")
_IDENTITY = re.compile(r"(?<![\w-])(?:[XYZxyz]-?\d{7}|\d{8})-?[A-Za-z](?![\w-])")
_CHECK_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses."""
    return (match.span() for match in _EMAIL.finditer(text))


def ibans(text: str) -> Iterator[Span]:
    """Bank accounts whose checksum holds; words that follow one are not taken for a part of it."""
    for match in _IBAN.finditer(text):
        for end in range(match.end(), match.start() + 14, -1):
            if end < match.end() and text[end].isalnum() and text[end - 1].isalnum():
                continue
            if text[end - 1].isalnum() and _is_iban(text[match.start() : end]):
                yield match.start(), end
                break


def cards(text: str) -> Iterator[Span]:
    """Card numbers whose check digit holds."""
    return (match.span() for match in _CARD.finditer(text) if _is_card(match[0]))


def secrets(text: str) -> Iterator[Span]:
    """Keys, tokens, passwords, codes, and the identity numbers of Spain, whose letter is checked."""
    for pattern in _SECRETS:
        for match in pattern.finditer(text):
            yield match.span("value" if "value" in pattern.groupindex else 0)
    for match in _RUN.finditer(text):
        if _is_made_by_a_machine(match[0]):
            yield match.span()
    for match in _IDENTITY.finditer(text):
        if _is_identity(match[0]):
            yield match.span()


def phones(text: str) -> Iterator[Span]:
    """Telephone numbers, as far as their form or a word before them says so."""
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            start, end = match.span("value" if "value" in pattern.groupindex else 0)
            if 7 <= sum(character.isdigit() for character in text[start:end]) <= 15:
                yield start, end


def _is_iban(written: str) -> bool:
    """Whether ISO 7064's remainder is 1."""
    plain = re.sub(r"[ .-]", "", written).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _is_card(written: str) -> bool:
    """Whether Luhn's sum holds."""
    digits = [int(character) for character in reversed(written) if character.isdigit()]
    return sum(digit if index % 2 == 0 else sum(divmod(2 * digit, 10)) for index, digit in enumerate(digits)) % 10 == 0


def _is_made_by_a_machine(run: str) -> bool:
    return run.upper() != run != run.lower() and sum(character.isdigit() for character in run) > 2


def _is_identity(written: str) -> bool:
    plain = written.replace("-", "").upper()
    number = int(plain[:-1].translate(str.maketrans("XYZ", "012")))
    return _CHECK_LETTERS[number % 23] == plain[-1]

"""Street addresses as people write them in Spain, Latin America, Portugal, Brazil, France, Germany, Italy, Britain and
the United States: a word for a street, a name and a number, with what follows of floor, postcode and town."""

import re
from collections.abc import Iterator

_S, _G = r"[ \t]{0,3}", r"[ \t]{1,3}"
"""Space between words that may be missing, and that may not; bounded, as all else here, so that no text is slow."""
_CAPITAL = r"(?-i:[A-ZÀ-ÖØ-ÞŁŚŠŽĆČ])(?:[^\W\d]|['’.-](?=\w)){0,40}(?!\w)"
_SMALL = r"(?:de|del|de la|de las|de los|do|da|dos|das|des|du|la|le|les|di|della|dei|of|the|y|e|an der|am)"
_NUMBER = r"\d{1,5}(?:[ ]?[a-z](?![\w]))?(?:\s?[-–/]\s?\d{1,4}[a-z]?)?"
_TOWN = rf"{_CAPITAL}(?:{_G}(?:{_SMALL}{_G})?{_CAPITAL}){{0,3}}"
_POSTCODE = r"(?:\d{4,5}(?:-\d{3,4})?|(?-i:[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}))"
_STATE = r"(?-i:[A-Z]{2})[ ]\d{5}(?:-\d{4})?"

_UNIT = (
    r"(?:\d{1,2}\s?[º°ªo](?:\s?(?:[a-z]|\d{1,2}[ªº]|izq(?:da|uierda)?|d(?:cha|er|erecha|to)|esq|fte|centro)\b\.?)?"
    r"|(?:piso|planta|puerta|pta|bajo|bajos|ático|atico|esc(?:alera)?|bloque|portal|local|interior|int|apto|apt|dpto"
    r"|depto|departamento|apartamento|apartment|flat|unit|suite|floor|bât|appt|étage|scala|piano|interno|andar|bloco"
    r"|casa|stock|wohnung|whg)\b\.?\s?#?\w{0,4}(?:\s(?:izq(?:da)?|dcha|d|i)\b\.?)?)"
)
_TAIL = (
    rf"(?:{_S},?{_S}(?:{_UNIT})\.?)*"
    rf"(?:{_S}[,.]?{_S}(?:col(?:onia)?\.?|urb(?:anizaci[óo]n)?\.?|barrio|bairro){_G}{_TOWN})?"
    rf"(?:{_S},?{_S}(?:{_STATE}|(?:{_POSTCODE}(?:{_S},?{_G}{_TOWN})?|,{_S}{_TOWN})"
    rf"(?:{_S},?{_S}(?:{_STATE}|{_POSTCODE}))?))?"
)

# The word before the name.
_BEFORE = (
    r"(?:c/|calle|cl\.?|avenida|avda?\.?|plaza|pza\.?|plza\.?|paseo|pso\.?|p[ºª]|carretera|ctra\.?|camino|ronda"
    r"|traves[ií]a|pasaje|glorieta|gran v[ií]a|rambla|carrera|cra\.?|kr\.?|diagonal|transversal"
    r"|jir[óo]n|jr\.?|boulevard|blvd\.?"
    r"|rua|r\.|av\.?|pra[çc]a|travessa|alameda|estrada|largo|rodovia"
    r"|via|viale|v\.le|piazza|p\.za|corso|vicolo|strada"
    r"|am|an der|auf der|im|zum|zur|unter den)"
)
_FRENCH = r"(?:rue|avenue|av\.|boulevard|bd\.?|place|chemin|all[ée]e|impasse|quai|cours|route|square|passage|faubourg)"
_GERMAN = r"(?:stra(?:ß|ss)e|str\.?|weg|platz|gasse|allee|ring|damm|ufer|steig|chaussee|markt)"
_ENGLISH = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|square|sq|place|pl|way|close"
    r"|crescent|terrace|gardens|parkway|pkwy|highway|hwy|grove|mews|row|walk|hill)"
)

_ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Calle Mayor 15 · Via Garibaldi, 24 · Rua Augusta nº 123 · Am Ring 5
        rf"(?<!\w){_BEFORE}{_S}(?:{_SMALL}{_G}){{0,2}}{_CAPITAL}(?:{_G}(?:{_SMALL}{_G}){{0,2}}[\w'’.-]{{1,40}}){{0,5}}?"
        rf"{_S},?{_S}(?:n\.?[º°o]\.?|n[úu]m(?:ero)?\.?|#)?{_S}{_NUMBER}(?![\w]){_TAIL}",
        # Carrera 7 # 71-21 · Calle 85 No. 12-50
        rf"(?<!\w)(?:carrera|cra\.?|kr\.?|calle|cl\.?|avenida|av\.?|diagonal|transversal){_G}\d{{1,3}}[a-z]?{_S}"
        rf"(?:#|n[oº°]\.?|n[úu]mero){_S}\d{{1,3}}[a-z]?{_S}[-–]{_S}\d{{1,3}}{_TAIL}",
        # 12 bis, rue de la République
        rf"(?<!\w)\d{{1,4}}(?:[ \t]?(?:bis|ter|quater))?{_S},?{_G}{_FRENCH}{_G}(?:{_SMALL}{_G}|[dl]['’]){{0,3}}"
        rf"{_CAPITAL}(?:{_G}(?:{_SMALL}{_G})?{_CAPITAL}){{0,3}}{_TAIL}",
        # Lindenstraße 12a · Berliner Straße 3
        rf"(?<![\w-])(?:{_CAPITAL}[ \t-]{{1,3}})?(?-i:[A-ZÄÖÜ])[\wäöüß-]{{0,40}}?{_GERMAN}{_G}{_NUMBER}(?![\w]){_TAIL}",
        rf"(?<![\w-])(?-i:[A-ZÄÖÜ])[\wäöüß-]{{1,40}}[ \t-]{_GERMAN}{_G}{_NUMBER}(?![\w]){_TAIL}",
        # 45 Park Avenue · 221B Baker Street
        rf"(?<!\w)\d{{1,5}}[a-z]?{_G}(?:{_CAPITAL}{_G}){{1,4}}{_ENGLISH}(?![\w])\.?{_TAIL}",
    )
)

_DIGIT = re.compile(r"\d")
"""Of which all have one, and most texts none."""


def find(text: str) -> Iterator[tuple[int, int]]:
    """Where one stands."""
    if not _DIGIT.search(text):
        return
    for pattern in _ADDRESSES:
        for match in pattern.finditer(text):
            yield match.span()

"""What the dashboard says in each of its languages, so that a journey can be made in all of them."""

import json
import re
from pathlib import Path
from typing import Any

LOCALES = Path(__file__).parents[2] / "web" / "i18n" / "locales"


class Words:
    """The messages of a language by their keys."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._messages: dict[str, Any] = {}
        for file in (LOCALES / language).glob("*.json"):
            self._messages |= json.loads(file.read_text())

    def __call__(self, key: str, **values: str) -> str:
        """The message, with its placeholders filled in."""
        message: Any = self._messages
        for part in key.split("."):
            message = message[part]
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], message)

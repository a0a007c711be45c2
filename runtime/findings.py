"""What `pok doctor` finds, wherever it looks."""

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at; `advice` says what to do where it is not well."""

    about: str
    state: str
    advice: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing has to be done."""
        return not self.advice

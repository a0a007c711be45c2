"""Chance that can be repeated: all that a fault test draws comes from its seed, and it says what it drew."""

import sys
from pathlib import Path
from random import Random
from typing import NamedTuple


class Fault(NamedTuple):
    """What happens to whom, once so many inquiries of the round are acknowledged."""

    at: int
    what: str
    whom: str


class Plan:
    """One test's share of the options: `make test-faults SEED=… ROUNDS=… INQUIRIES=…`."""

    def __init__(self, test: str, seed: int, rounds: int | None, inquiries: int | None, folder: Path) -> None:
        self.rng = Random(f"{seed}:{test}")
        self._rounds = rounds
        self._inquiries = inquiries
        self._folder = folder
        self.say(f"{test}: seed {seed}")

    def rounds(self, usual: int) -> int:
        """How many rounds were asked for."""
        return self._rounds or usual

    def inquiries(self, usual: int) -> int:
        """How many inquiries in each were asked for."""
        return self._inquiries or usual

    def fault(self, inquiries: int, what: str, *victims: str) -> Fault:
        """Draw a moment while so many inquiries are sent, and a victim."""
        fault = Fault(self.rng.randrange(inquiries // 20, inquiries * 19 // 20), what, self.rng.choice(victims))
        self.say(f"  after {fault.at} of {inquiries}: {fault.what} {fault.whom}")
        return fault

    def keep(self, name: str, ids: dict[str, int]) -> None:
        """Write the acknowledged ids down, and say where."""
        file = self._folder / f"{name}.txt"
        file.write_text("".join(f"{number} {id_}\n" for id_, number in ids.items()))
        self.say(f"  {len(ids)} acknowledged ids are in {file}")

    def say(self, line: str) -> None:
        """Tell whoever watches; pytest shows it where a test fails."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

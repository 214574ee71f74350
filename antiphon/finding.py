"""What the doctor says of one thing that it looked at."""

from dataclasses import dataclass
from enum import Enum


class Mark(Enum):
    """The word at the start of a finding's line."""

    OK = "ok"
    NOTE = "note"
    """Not wrong by itself; worth knowing when something else is."""
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    mark: Mark
    text: str

    @property
    def well(self) -> bool:
        return self.mark is not Mark.FAIL

    def __str__(self) -> str:
        return f"{self.mark.value:4}  {self.text}"


def ok(text: str) -> Finding:
    return Finding(Mark.OK, text)


def note(text: str) -> Finding:
    return Finding(Mark.NOTE, text)


def fail(text: str) -> Finding:
    return Finding(Mark.FAIL, text)


def judged(well: bool, text: str) -> Finding:
    return ok(text) if well else fail(text)

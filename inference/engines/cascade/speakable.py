"""Cuts text into pieces that can be spoken, while it still streams in.

The first piece is short, so that speech starts early; later ones are whole
sentences where possible, so that their melody is right.
"""

import re
from dataclasses import dataclass

FIRST_PIECE_WORDS = 4
CLAUSE_MIN_CHARACTERS = 60
PIECE_MAX_CHARACTERS = 240

_SENTENCE_END = re.compile(r"[.!?…][\"')\]]*\s|\n")
_CLAUSE_END = re.compile(r"[,;:—][\"')\]]*\s")
_ABBREVIATION = re.compile(r"(?:^|\s)(?:[A-Z]|[Mm]rs?|[Mm]s|[Dd]r|[Ss]t|e\.g|i\.e|etc|vs)\.\s$")


class SpeakablePieces:
    """Feed text with `push`, which gives the pieces that are complete; end with `finish`.

    The pieces together are the text.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._first = True

    def push(self, text: str) -> list[str]:
        self._rest += text
        pieces = []
        while (end := self._piece_end()) is not None:
            piece, self._rest = self._rest[:end], self._rest[end:]
            self._first = self._first and not piece.strip()
            pieces.append(piece)
        return pieces

    def finish(self) -> str:
        """What is left, which may be empty."""
        rest, self._rest = self._rest, ""
        return rest

    def _piece_end(self) -> int | None:
        for match in _SENTENCE_END.finditer(self._rest):
            if not _ABBREVIATION.search(self._rest[: match.end()]):
                return match.end()
        shortest = 1 if self._first else CLAUSE_MIN_CHARACTERS
        for match in _CLAUSE_END.finditer(self._rest):
            if match.end() >= shortest:
                return match.end()
        if self._first:
            words = list(re.finditer(r"\S+\s+", self._rest))
            if len(words) >= FIRST_PIECE_WORDS:
                return words[FIRST_PIECE_WORDS - 1].end()
        if len(self._rest) > PIECE_MAX_CHARACTERS:
            return self._rest.rfind(" ", 1, PIECE_MAX_CHARACTERS) + 1 or PIECE_MAX_CHARACTERS
        return None


SENTENCE_PAUSE_MS = 200
CLAUSE_PAUSE_MS = 100


def pause_after_ms(piece: str) -> int:
    """The pause that belongs between a piece and the next one."""
    if _SENTENCE_END.search(f"{piece} "[-4:]):
        return SENTENCE_PAUSE_MS
    return CLAUSE_PAUSE_MS if _CLAUSE_END.search(f"{piece} "[-4:]) else 0


_MARKUP = re.compile(r"[*_`#~|<>\[\]{}\\^]+")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_NOTHING = "\x7f"
"""In the place of a character that leaves no space: a control character, which is never spoken."""


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What the voice should say of a piece: no markup, nothing that is not written language."""

    text: str
    _origins: tuple[int, ...]
    """Where each character of `text` stands in the piece."""

    def piece_end(self, text_end: int) -> int:
        """Characters of the piece up to the end of the first `text_end` of `text`."""
        spoken = self._origins[:text_end]
        return spoken[-1] + 1 if spoken else 0


def spoken_text(piece: str) -> SpokenText:
    text = _MARKUP.sub(_blank, _LINK.sub(_link_text, piece))
    kept: list[tuple[str, int]] = []
    for index, character in enumerate(text):
        if character == _NOTHING:
            continue
        if _is_written(character) and not character.isspace():
            kept.append((character, index))
        elif kept and kept[-1][0] != " ":
            kept.append((" ", index))
    if kept and kept[-1][0] == " ":
        del kept[-1]
    if not any(character.isalnum() for character, _index in kept):
        return SpokenText("", ())
    return SpokenText("".join(character for character, _ in kept), tuple(at for _, at in kept))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _link_text(match: re.Match[str]) -> str:
    """Its text, where it stands."""
    return (_NOTHING + match[1]).ljust(len(match[0]), _NOTHING)


def _is_written(character: str) -> bool:
    """Whether it is ASCII, a letter of any script, or common typography: not an emoji."""
    if character.isascii():
        return character.isprintable() or character.isspace()
    return character.isalnum() or character in "‘’“”…–—€£°"

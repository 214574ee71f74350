"""Turns a tokenizer's pieces into text.

sentencepiece writes the space before a word as U+2581, and a byte of a character
that it has no piece for as `<0xE2>`: https://github.com/google/sentencepiece
"""

import codecs
import re

SPACE = "\u2581"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_CONTROL = re.compile(r"<[^>]+>")


class TextPieces:
    """Of one conversation, in order."""

    def __init__(self) -> None:
        self._bytes = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, piece: str) -> str:
        """The text that a piece adds; empty for control tokens, and in mid-character."""
        if match := _BYTE.fullmatch(piece):
            return self._bytes.decode(bytes([int(match[1], 16)]))
        if not piece or _CONTROL.fullmatch(piece):
            return ""
        return self._bytes.decode(b"", final=True) + piece.replace(SPACE, " ")

"""What a synthesiser gives of a piece of text: audio, and where its words lie in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text_end: int
    """Characters of the text to speak up to the end of the word, punctuation included."""
    audio_end: int
    """Samples of its audio up to there."""


@dataclass(frozen=True, slots=True)
class Speech:
    """More of a piece, behind what was given before."""

    pcm: bytes = b""
    """16 bit mono samples; may be empty."""
    words: tuple[SpokenWord, ...] = ()
    """Words whose end became known, in order; none from a synthesiser that does not tell."""

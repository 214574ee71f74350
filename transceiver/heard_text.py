"""Which part of an answer's text was heard."""

from antiphon_proto.trunk import WordEnd
from transceiver.word_times import WordTimes

FASTEST_CHARACTERS_PER_S = 16
"""Text is taken to be spoken no faster: it runs ahead of the audio that is there so far."""


def heard_text(text: str, heard_ms: int, audio_ms: float, words: WordTimes | None = None) -> str:
    """The words of `text` that `heard_ms` of its `audio_ms` of audio held.

    Where the engine told the ends of its `words`, those that had ended; else an estimate.
    The API itself would drop the whole transcript; clients and models are better served
    by what was heard.
    """
    if not words:
        return _estimate(text, heard_ms, audio_ms)
    before = words.before(heard_ms)
    if not any(character.isalnum() for character in text[before.text_end :]):
        return text
    after = words.after(heard_ms) or WordEnd(len(text), int(audio_ms))
    between = _estimate(
        text[before.text_end : after.text_end],
        heard_ms - before.audio_end_ms,
        after.audio_end_ms - before.audio_end_ms,
    )
    return text[: before.text_end] + between


def _estimate(text: str, heard_ms: int, audio_ms: float) -> str:
    """As if the text were spread evenly over its audio, cut between words."""
    spoken_ms = max(audio_ms, len(text) * 1000 / FASTEST_CHARACTERS_PER_S)
    if not text or heard_ms >= spoken_ms:
        return text
    end = int(len(text) * heard_ms / spoken_ms)
    if not text[end].isspace():
        end = max(text.rfind(" ", 0, end), 0)
    return text[:end].rstrip()

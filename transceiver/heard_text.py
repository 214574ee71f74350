"""Which part of an answer's text was heard."""

FASTEST_CHARACTERS_PER_S = 16
"""Text is taken to be spoken no faster: it runs ahead of the audio that is there so far."""


def heard_text(text: str, heard_ms: int, audio_ms: float) -> str:
    """The words of `text` that `heard_ms` of its `audio_ms` of audio can have held.

    An estimate: engines do not tell when each word is spoken, so the text is spread
    evenly over its audio and cut between words. The API itself would drop the whole
    transcript; clients and models are better served by about what was heard.
    """
    spoken_ms = max(audio_ms, len(text) * 1000 / FASTEST_CHARACTERS_PER_S)
    if not text or heard_ms >= spoken_ms:
        return text
    end = int(len(text) * heard_ms / spoken_ms)
    if not text[end].isspace():
        end = max(text.rfind(" ", 0, end), 0)
    return text[:end].rstrip()

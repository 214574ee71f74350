"""The Realtime API's voices as espeak-ng speaks them.

https://platform.openai.com/docs/guides/text-to-speech#voice-options
"""

from typing import NamedTuple


class EspeakVoice(NamedTuple):
    name: str
    pitch: int
    """0 to 99; 50 is the voice's own."""


BRITISH = "en"
"""espeak-ng's file for British English; it knows "en-gb" as a language, not as a voice."""

DEFAULT = EspeakVoice("en-us", 50)

VOICES = {
    "alloy": DEFAULT,
    "ash": EspeakVoice("en-us+m3", 45),
    "ballad": EspeakVoice(f"{BRITISH}+m3", 50),
    "coral": EspeakVoice("en-us+f2", 55),
    "echo": EspeakVoice("en-us", 35),
    "sage": EspeakVoice("en-us+f4", 50),
    "shimmer": EspeakVoice("en-us+f3", 60),
    "verse": EspeakVoice("en-us+m7", 50),
    "marin": EspeakVoice("en-us+f3", 50),
    "cedar": EspeakVoice(BRITISH, 40),
    "en-us": DEFAULT,
    "en-gb": EspeakVoice(BRITISH, 50),
}


WORDS_PER_MINUTE = 165
SLOWEST_WORDS_PER_MINUTE = 80
"""espeak-ng speaks no slower."""


def words_per_minute(speed: float) -> int:
    """The rate that is `speed` times the usual one, or the slowest there is."""
    return max(SLOWEST_WORDS_PER_MINUTE, round(WORDS_PER_MINUTE * speed))


def espeak_voice(name: str) -> EspeakVoice:
    """The voice called `name`, or the default one."""
    return VOICES.get(name, DEFAULT)

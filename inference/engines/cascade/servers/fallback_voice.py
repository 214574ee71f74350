"""A voice that another one takes over from where it fails."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.speech import Speech, SpokenWord
from inference.engines.cascade.speech_synthesis import Report, SynthesisError, Voice


class FallbackVoice:
    """Speaks with the first voice until that fails, and then with its fallback to the end.

    A piece that broke off is spoken again as a whole: half a sentence helps nobody.
    """

    def __init__(self, first: Voice, report: Report) -> None:
        """`report` hears why the first voice failed."""
        self._voice = first
        self._report = report

    def fall_back(self) -> None:
        """It has spoken already."""

    async def speak(self, text: str) -> AsyncGenerator[Speech]:
        """As `Voice.speak`."""
        broken_off = 0
        try:
            async with aclosing(self._voice.speak(text)) as parts:
                async for speech in parts:
                    broken_off += len(speech.pcm) // BYTES_PER_SAMPLE
                    yield speech
        except SynthesisError as error:
            fallback = self._voice.fall_back()
            if fallback is None:
                raise
            self._report(error)
            self._voice = fallback
        else:
            return
        async with aclosing(self._voice.speak(text)) as parts:
            async for speech in parts:
                yield _later(speech, broken_off)


def _later(speech: Speech, samples: int) -> Speech:
    """The same behind `samples` of the piece that another voice gave."""
    words = (SpokenWord(word.text_end, word.audio_end + samples) for word in speech.words)
    return Speech(speech.pcm, tuple(words))

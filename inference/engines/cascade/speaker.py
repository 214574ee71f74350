"""The voice of one answer: pieces of text to audio, not far ahead of what is played."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import WordEnd
from inference.engines.cascade.speakable import SpokenText, pause_after_ms, spoken_text
from inference.engines.cascade.speech import SpokenWord
from inference.engines.cascade.speech_synthesis import SAMPLE_RATE, Voice
from inference.engines.cascade.spoken_answer import SpokenAnswer

AHEAD_MS = 20_000
"""How much more than may leave is synthesised before it is played."""


class Speaker:
    """Gives its audio to `give`, 16 bit samples at SAMPLE_RATE, and where words end in it."""

    def __init__(
        self,
        voice: Voice,
        credit_ms: int,
        give: Callable[[bytes | tuple[WordEnd, ...]], None],
    ) -> None:
        self.spoken = SpokenAnswer(SAMPLE_RATE)
        self._voice = voice
        self._give = give
        self._ahead_ms = credit_ms + AHEAD_MS
        self._played_ms = 0
        self._progress = asyncio.Event()
        self._pause_ms = 0

    def played(self, played_ms: int) -> None:
        """So much was played: more may be synthesised."""
        self._played_ms = max(self._played_ms, played_ms)
        self._progress.set()

    def fall_back(self) -> bool:
        """After a SynthesisError: go on with the voice that is left, if one is."""
        fallback = self._voice.fall_back()
        if fallback is None:
            return False
        self._voice = fallback
        return True

    async def say(self, piece: str) -> None:
        """Return when the piece was synthesised. Raises SynthesisError."""
        spoken = spoken_text(piece)
        pause_ms, self._pause_ms = self._pause_ms, pause_after_ms(piece)
        self.spoken.begin_piece(piece)
        if not spoken.text:
            return
        pause = pause_ms * SAMPLE_RATE // 1000
        self._add(bytes(pause * BYTES_PER_SAMPLE))
        async with aclosing(self._voice.speak(spoken.text)) as chunks:
            async for speech in chunks:
                await self._wait_for_playback()
                self._add(speech.pcm)
                if speech.words:
                    self._give(tuple(self._placed(word, spoken, pause) for word in speech.words))

    def _placed(self, word: SpokenWord, spoken: SpokenText, pause: int) -> WordEnd:
        """Where a word of the piece that is being said ends in the answer."""
        return self.spoken.add_word(spoken.piece_end(word.text_end), pause + word.audio_end)

    def _add(self, pcm: bytes) -> None:
        if pcm:
            self.spoken.add_audio(len(pcm) // BYTES_PER_SAMPLE)
            self._give(pcm)

    async def _wait_for_playback(self) -> None:
        while self.spoken.duration_ms - self._played_ms > self._ahead_ms:
            self._progress.clear()
            await self._progress.wait()

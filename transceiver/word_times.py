"""Where the words of an answer end in its text and in its audio, as its engine tells."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable

from antiphon_proto.trunk import WordEnd

MAX_WORDS = 16_384
"""Of one answer; its text holds no more. Later ones are estimated."""

_LARGEST = (1 << 32) - 1


class WordTimes:
    """Grows with the answer; false while nothing is known."""

    __slots__ = ("_audio_ends", "_audio_start_ms", "_text_ends", "_text_start")

    def __init__(self) -> None:
        self._text_ends = array("I")
        self._audio_ends = array("I")
        self._text_start = 0
        self._audio_start_ms = 0

    def __bool__(self) -> bool:
        return bool(self._text_ends)

    def add(self, words: Iterable[WordEnd]) -> None:
        """Words behind those before; what does not advance is passed over."""
        for word in words:
            text_end = self._text_start + word.text_end
            audio_end = self._audio_start_ms + word.audio_end_ms
            if len(self._text_ends) < MAX_WORDS and self._follows(text_end, audio_end):
                self._text_ends.append(text_end)
                self._audio_ends.append(audio_end)

    def _follows(self, text_end: int, audio_end: int) -> bool:
        if max(text_end, audio_end) > _LARGEST or min(text_end, audio_end) < 0:
            return False
        if not self._text_ends:
            return True
        return text_end > self._text_ends[-1] and audio_end >= self._audio_ends[-1]

    def restart(self, text_end: int, audio_end_ms: int) -> None:
        """From there on another engine speaks, and counts from zero."""
        kept = bisect_right(self._text_ends, text_end)
        del self._text_ends[kept:], self._audio_ends[kept:]
        self._text_start, self._audio_start_ms = text_end, audio_end_ms

    def before(self, audio_ms: int) -> WordEnd:
        """The last word that ends by then; the very start before any."""
        index = bisect_right(self._audio_ends, audio_ms)
        if index == 0:
            return WordEnd(0, 0)
        return WordEnd(self._text_ends[index - 1], self._audio_ends[index - 1])

    def after(self, audio_ms: int) -> WordEnd | None:
        """The first word that ends later, if it is known."""
        index = bisect_right(self._audio_ends, audio_ms)
        if index == len(self._audio_ends):
            return None
        return WordEnd(self._text_ends[index], self._audio_ends[index])

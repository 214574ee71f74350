"""Which words of an answer were heard, from how much of its audio was played."""

from dataclasses import dataclass


@dataclass(slots=True)
class _Piece:
    text: str
    samples: int = 0


class SpokenAnswer:
    """The pieces of one answer with the length of their audio."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._pieces: list[_Piece] = []

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self._pieces)

    @property
    def samples(self) -> int:
        return sum(piece.samples for piece in self._pieces)

    @property
    def duration_ms(self) -> int:
        return self.samples * 1000 // self._rate

    def begin_piece(self, text: str) -> None:
        self._pieces.append(_Piece(text))

    def add_audio(self, samples: int) -> None:
        """Count audio of the piece begun last."""
        self._pieces[-1].samples += samples

    def heard(self, played_ms: int) -> str:
        """The text of the first `played_ms`: a piece cut short by its share of characters,
        between words."""
        left = played_ms * self._rate // 1000
        heard = ""
        for piece in self._pieces:
            if left > 0 and left >= piece.samples:
                heard += piece.text
                left -= piece.samples
                continue
            return heard + _whole_words(piece.text, left / max(1, piece.samples))
        return heard


def _whole_words(text: str, share: float) -> str:
    """The words that lie within the first `share` of the text."""
    cut = int(len(text) * share)
    return text[:cut] if text[cut : cut + 1].isspace() else text[:cut].rpartition(" ")[0]

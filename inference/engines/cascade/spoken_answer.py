"""Which words of an answer were heard, from how much of its audio was played."""

from dataclasses import dataclass, field

from antiphon_proto.trunk import WordEnd


@dataclass(slots=True)
class _Piece:
    text: str
    text_start: int
    audio_start: int
    samples: int = 0
    words: list[tuple[int, int]] = field(default_factory=list)
    """Ends in the piece's text and audio, in characters and samples."""


class SpokenAnswer:
    """The pieces of one answer with their audio, and the words in it as far as they are known."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._pieces: list[_Piece] = []

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self._pieces)

    @property
    def samples(self) -> int:
        return self._pieces[-1].audio_start + self._pieces[-1].samples if self._pieces else 0

    @property
    def duration_ms(self) -> int:
        return self.samples * 1000 // self._rate

    def begin_piece(self, text: str) -> None:
        before = self._pieces[-1] if self._pieces else _Piece("", 0, 0)
        start = before.text_start + len(before.text)
        self._pieces.append(_Piece(text, start, self.samples))

    def add_audio(self, samples: int) -> None:
        """Count audio of the piece begun last."""
        self._pieces[-1].samples += samples

    def add_word(self, text_end: int, audio_end: int) -> WordEnd:
        """A word of the piece begun last ends there, in characters and samples of the piece.

        Where it ends in the answer.
        """
        piece = self._pieces[-1]
        piece.words.append((text_end, audio_end))
        audio_end_ms = (piece.audio_start + audio_end) * 1000 // self._rate
        return WordEnd(piece.text_start + text_end, audio_end_ms)

    def heard(self, played_ms: int) -> str:
        """The text of the first `played_ms`, cut between words.

        A piece whose synthesiser does not tell of words is cut by its share of characters.
        """
        left = played_ms * self._rate // 1000
        heard = ""
        for piece in self._pieces:
            part = _heard_of(piece, left)
            heard += part
            if part != piece.text:
                break
            left -= piece.samples
        return heard


def _heard_of(piece: _Piece, samples: int) -> str:
    if piece.words:
        ends = [text_end for text_end, audio_end in piece.words if audio_end <= samples]
        end = ends[-1] if ends else 0
        return piece.text[:end] if _says_something(piece.text[end:]) else piece.text
    if samples > 0 and samples >= piece.samples:
        return piece.text
    return _whole_words(piece.text, samples / max(1, piece.samples))


def _says_something(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _whole_words(text: str, share: float) -> str:
    """The words that lie within the first `share` of the text."""
    cut = int(len(text) * share)
    return text[:cut] if text[cut : cut + 1].isspace() else text[:cut].rpartition(" ")[0]

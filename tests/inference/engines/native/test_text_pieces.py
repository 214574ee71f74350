"""Text of the tokenizer's pieces."""

import pytest

from inference.engines.native.text_pieces import TextPieces


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["\u2581Hel", "lo", "\u2581there", "."], " Hello there."),
        (["\u2581caf", "<0xC3>", "<0xA9>", "\u2581au"], " caf\u00e9 au"),
        (["a", "<0xC3>", "b"], "a\ufffdb"),
        (["<s>", "", "</s>", "<unk>"], ""),
    ],
)
def test_pieces(pieces: list[str], text: str) -> None:
    joined = TextPieces()
    assert "".join(joined.push(piece) for piece in pieces) == text

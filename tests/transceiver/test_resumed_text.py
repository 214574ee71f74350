"""Words that another engine says again, or in others' place."""

from hypothesis import given
from hypothesis import strategies as st

from transceiver.resumed_text import ResumedText


def test_what_was_told_is_not_told_again() -> None:
    text = ResumedText(told=" fox jumps", said="the quick")
    assert [text.new(" fox "), text.new("jumps over"), text.new(" it")] == ["", " over", " it"]


def test_other_words_are_told() -> None:
    text = ResumedText(told=" fox jumps", said="the quick")
    assert [text.new(" fox"), text.new(" leaps"), text.new(" jumps")] == ["", " leaps", " jumps"]


def test_words_are_kept_apart() -> None:
    text = ResumedText(said="the quick")
    assert [text.spaced("fox"), text.spaced("es")] == [" fox", "es"]
    assert ResumedText(said="the quick").spaced(", and") == ", and"
    assert ResumedText(said="the quick ").spaced("fox") == "fox"
    assert ResumedText().spaced("fox") == "fox"


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=5)))
def test_an_engine_that_repeats_itself_tells_each_character_once(
    told: str, rest: list[str]
) -> None:
    text = ResumedText(told)
    deltas = [*told, *rest]
    assert "".join(map(text.new, deltas)) == "".join(rest)

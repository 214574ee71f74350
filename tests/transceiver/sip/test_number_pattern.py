import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.sip.number_pattern import NumberPattern, NumberPatternError


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("100", ["100"], ["1000", "10", "", "X00"]),
        ("X", ["X"], ["1"]),
        ("+15551234567", ["+15551234567"], ["15551234567"]),
        ("*97", ["*97"], ["997"]),
        ("_+1555XX", ["+155500", "+155599"], ["+15559", "+1555990", "+1555a0", "_+1555XX"]),
        ("_ZN", ["12", "99"], ["02", "11", "90"]),
        ("_[1-36a]0", ["10", "30", "60", "a0"], ["40", "-0", "0"]),
        ("_9.", ["91", "9anything at all"], ["9", "81"]),
        ("_9!", ["9", "91"], ["81", ""]),
        ("_!", ["", "anything"], []),
    ],
)
def test_fits(pattern: str, fitting: list[str], others: list[str]) -> None:
    parsed = NumberPattern.parse(pattern)
    assert [number for number in [*fitting, *others] if parsed.matches(number)] == fitting


@pytest.mark.parametrize("text", ["", "_", "_[", "_[]", "_[3-1]", "_1.2", "_1!.", "1\n", "1" * 129])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(NumberPatternError):
        NumberPattern.parse(text)


@given(st.text(max_size=140), st.text(max_size=40))
def test_arbitrary_text_is_a_pattern_or_refused(text: str, number: str) -> None:
    try:
        pattern = NumberPattern.parse(text)
    except NumberPatternError:
        return
    assert pattern.matches(text) or text.startswith("_")
    pattern.matches(number)

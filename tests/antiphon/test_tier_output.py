from hypothesis import given
from hypothesis import strategies as st

from antiphon.tier_output import TierOutput


def test_nothing_passes_until_it_is_released() -> None:
    passed: list[bytes] = []
    output = TierOutput(passed.append)
    output.feed(b"one\ntw")
    assert passed == []
    output.release()
    assert passed == [b"one\n"]
    output.feed(b"o\nthree")
    assert passed == [b"one\n", b"two\n"]
    output.flush()
    assert passed == [b"one\n", b"two\n", b"three\n"]


def test_the_last_line_is_the_last_that_says_something() -> None:
    output = TierOutput(lambda line: None)
    assert output.last_line() == ""
    output.feed(b"noise\nrelay: port \xff in use\n\n  \n")
    assert output.last_line() == "relay: port \ufffd in use"


def test_a_line_without_end_does_not_grow_for_ever() -> None:
    passed: list[bytes] = []
    output = TierOutput(passed.append)
    output.release()
    output.feed(b"x" * 100_000)
    assert sum(map(len, passed)) == 100_001


@given(st.lists(st.binary(max_size=20)))
def test_lines_stay_whole_however_they_arrive(chunks: list[bytes]) -> None:
    passed: list[bytes] = []
    output = TierOutput(passed.append)
    output.release()
    for chunk in chunks:
        output.feed(chunk)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in passed)
    output.flush()
    text = b"".join(chunks)
    assert b"".join(passed) == text + (b"\n" if text and not text.endswith(b"\n") else b"")

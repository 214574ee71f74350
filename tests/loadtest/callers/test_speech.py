import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.callers.speech import SpeechError, pack, questions, recorded_speech, unpack

PACKETS = st.lists(st.binary(max_size=40)).map(tuple)


@given(st.lists(PACKETS))
def test_what_is_packed_is_unpacked(utterances: list[tuple[bytes, ...]]) -> None:
    assert unpack(pack(utterances)) == utterances


@given(st.lists(PACKETS, min_size=1), st.data())
def test_refuses_recordings_that_are_cut_short(
    utterances: list[tuple[bytes, ...]], data: st.DataObject
) -> None:
    packed = pack(utterances)
    whole = {len(pack(utterances[:count])) for count in range(len(utterances) + 1)}
    cut = data.draw(st.integers(0, len(packed) - 1).filter(lambda each: each not in whole))
    with pytest.raises(SpeechError):
        unpack(packed[:cut])


def test_every_question_is_recorded() -> None:
    utterances = recorded_speech().utterances

    assert [each.text for each in utterances] == [each.text for each in questions()]
    assert all(25 <= len(each.packets) <= 250 for each in utterances)

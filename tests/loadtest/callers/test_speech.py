import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.callers.speech import (
    PCMU_RATE,
    SpeechError,
    pack,
    questions,
    recorded_speech,
    unpack,
)

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


def test_a_question_sounds_the_same_in_each_encoding() -> None:
    speech = recorded_speech()

    pcm, pcmu = speech.pcm(4, PCMU_RATE), speech.pcmu(4)

    assert {len(frame) for frame in pcm} == {320}
    assert {len(frame) for frame in pcmu} == {160}
    assert len(pcm) == len(pcmu) == len(speech.utterances[4].packets)
    linear = np.frombuffer(b"".join(pcm), np.int16).astype(np.int32)
    heard = _expanded(b"".join(pcmu))
    assert np.all(np.abs(linear - heard) <= np.maximum(np.abs(linear) // 16, 16))
    assert np.abs(linear).max() > 3000


def _expanded(coded: bytes) -> np.ndarray:
    """https://www.itu.int/rec/T-REC-G.711"""
    inverted = ~np.frombuffer(coded, np.uint8).astype(np.int32) & 0xFF
    magnitude = ((inverted & 15) * 8 + 132 << (inverted >> 4 & 7)) - 132
    return np.where(inverted & 0x80, -magnitude, magnitude)

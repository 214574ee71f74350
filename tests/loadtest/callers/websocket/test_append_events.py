from base64 import b64decode, b64encode

import pytest

from antiphon_proto.realtime.client_events import InputAudioBufferAppend, parse_client_event
from loadtest.callers.speech import Speech, recorded_speech
from loadtest.callers.websocket.append_events import (
    FRAME_BYTES,
    EncodedSpeech,
    append_event,
    audio_seconds,
)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return recorded_speech()


def test_an_event_has_all_frames_one_behind_the_other(speech: Speech) -> None:
    encoded = EncodedSpeech.of(speech)
    said = [encoded.silence, *encoded.utterances[0][:3]]
    event = parse_client_event(append_event(said))
    assert isinstance(event, InputAudioBufferAppend)
    assert event.audio == bytes(FRAME_BYTES) + b"".join(map(b64decode, said[1:]))


def test_all_that_is_said_is_encoded(speech: Speech) -> None:
    encoded = EncodedSpeech.of(speech)
    frames = [len(each) for each in encoded.utterances]
    assert frames == [len(each.packets) for each in speech.utterances]


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 480, 24_000])
def test_audio_is_as_long_as_its_samples(samples: int) -> None:
    assert audio_seconds(b64encode(bytes(2 * samples)).decode()) == samples / 24_000

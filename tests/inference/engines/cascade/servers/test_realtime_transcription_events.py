"""The messages of vLLM's realtime transcription, as its documentation has them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.servers.realtime_transcription_events import (
    MAX_TEXT_CHARACTERS,
    Created,
    Delta,
    Other,
    Refused,
    ServerEvent,
    Transcribed,
    TranscriptionEventError,
    append,
    commit,
    read_event,
    update,
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"type": "session.created", "id": "sess-1", "created": 1}', Created()),
        ('{"type": "transcription.delta", "delta": " Hello"}', Delta(" Hello")),
        (
            '{"type": "transcription.done", "text": "Hello", "usage": {"total_tokens": 2}}',
            Transcribed("Hello"),
        ),
        (
            '{"type": "error", "error": "Model not validated.", "code": "model_not_validated"}',
            Refused("model_not_validated"),
        ),
        ('{"type": "error", "error": {"message": "no"}}', Refused("")),
        ('{"type": "session.updated"}', Other()),
    ],
)
def test_what_a_server_says(message: str, expected: ServerEvent) -> None:
    assert read_event(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "<html>",
        b"\xff",
        "{}",
        '{"type": 1}',
        '{"type": "transcription.delta"}',
        '{"type": "transcription.done", "text": null}',
        json.dumps({"type": "transcription.delta", "delta": "a" * (MAX_TEXT_CHARACTERS + 1)}),
    ],
)
def test_what_is_no_event(message: str | bytes) -> None:
    with pytest.raises(TranscriptionEventError):
        read_event(message)


@given(st.text() | st.binary())
def test_anything(message: str | bytes) -> None:
    try:
        read_event(message)
    except TranscriptionEventError:
        return


def test_what_a_client_says() -> None:
    assert json.loads(update("voxtral")) == {"type": "session.update", "model": "voxtral"}
    assert json.loads(append(b"\x01\x02")) == {"type": "input_audio_buffer.append", "audio": "AQI="}
    assert json.loads(commit(final=False)) == {"type": "input_audio_buffer.commit", "final": False}
    assert json.loads(commit(final=True)) == {"type": "input_audio_buffer.commit", "final": True}

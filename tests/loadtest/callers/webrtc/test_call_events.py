import json
from typing import Any

from loadtest.callers.webrtc.call_events import CallEvents
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency


class Listener:
    """Stands for a conversation and a judge, and takes notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def answer_over(self, _now: float) -> None:
        self.notes.append("over")

    def transcribed(self, response: str, transcript: str, _at: float) -> None:
        self.notes.append(f"{response}: {transcript}")


def told(*events: dict[str, Any] | str) -> tuple[Listener, Interval]:
    listener, measures = Listener(), Measures()
    received = CallEvents(
        listener,  # type: ignore[arg-type]
        listener,  # type: ignore[arg-type]
        measures,
        lambda: listener.notes.append("created"),
    )
    for event in events:
        received.received(event if isinstance(event, str) else json.dumps(event))
    return listener, measures.take(0)


def test_tells_what_a_call_has_to_know() -> None:
    listener, noted = told(
        {"type": "session.created", "event_id": "1", "session": {}},
        {
            "type": "response.output_audio_transcript.done",
            "event_id": "2",
            "response_id": "r",
            "item_id": "i",
            "output_index": 0,
            "content_index": 0,
            "transcript": "It is four.",
        },
        {"type": "output_audio_buffer.stopped", "event_id": "3", "response_id": "r"},
        {"type": "an.event.of.tomorrow"},
    )

    assert listener.notes == ["created", "r: It is four.", "over"]
    assert noted.counts == {Count.EVENTS_RECEIVED: 4}


def test_notes_the_servers_account_of_a_turn() -> None:
    response = {
        "id": "r",
        "object": "realtime.response",
        "status": "completed",
        "status_details": None,
        "output": [],
        "conversation_id": None,
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"}},
        "usage": None,
        "metadata": {"antiphon_latency_asr_ms": "120"},
    }
    _listener, noted = told({"type": "response.done", "event_id": "1", "response": response})

    assert noted.latencies[Latency.TURN_ASR].count == 1
    assert Count.ERRORS_RECEIVED not in noted.counts


def test_counts_errors_and_what_is_no_event() -> None:
    error = {"type": "invalid_request_error", "code": None, "message": "no", "param": None}
    _listener, noted = told(
        {"type": "error", "event_id": "1", "error": {**error, "event_id": None}}, "{", "[]"
    )

    assert noted.counts[Count.ERRORS_RECEIVED] == 3

"""The rules that hold for every sequence of server events, whatever led to it."""

from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]


@dataclass
class OpenResponse:
    """What was told of a response that is not done."""

    in_conversation: bool
    outputs: dict[int, str] = field(default_factory=dict)
    open_outputs: set[int] = field(default_factory=set)
    open_parts: set[int] = field(default_factory=set)


@dataclass
class EventRules:
    """A client that believes what it is told, and asserts that it is told consistently."""

    ids: set[str] = field(default_factory=set)
    greeted: bool = False
    items: list[str] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    speech: str | None = None
    responses: dict[str, str] = field(default_factory=dict)
    going_on: dict[str, OpenResponse] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    """Ids of items of responses outside of the conversation."""
    playing: dict[str, str] = field(default_factory=dict)
    remote: set[str] = field(default_factory=set)
    """Calls of remote tools that go on."""

    def take(self, event: Event) -> None:
        assert event["event_id"] not in self.ids
        self.ids.add(event["event_id"])
        assert self.greeted or event["type"] == "session.created"
        if event["type"].startswith("response."):
            self._response_event(event)
        handler = getattr(self, "on_" + event["type"].replace(".", "_"), None)
        if handler:
            handler(event)

    def settle(self) -> None:
        """No response is going on; nothing that was begun may be open."""
        assert not self.going_on
        assert set(self.responses.values()) <= {"done"}
        assert not self.unfinished

    def on_session_created(self, _event: Event) -> None:
        assert not self.greeted
        self.greeted = True

    # ---- the user's turn ----

    def on_input_audio_buffer_speech_started(self, event: Event) -> None:
        assert event["item_id"] not in self.items
        assert self.speech in (None, event["item_id"])
        self.speech = event["item_id"]

    def on_input_audio_buffer_speech_stopped(self, event: Event) -> None:
        assert event["item_id"] == self.speech

    def on_input_audio_buffer_committed(self, event: Event) -> None:
        assert self.speech in (None, event["item_id"])
        self.speech = None
        assert event["previous_item_id"] == (self.items[-1] if self.items else None)

    def on_input_audio_buffer_cleared(self, _event: Event) -> None:
        self.speech = None

    def on_conversation_item_input_audio_transcription_delta(self, event: Event) -> None:
        assert event["delta"]

    # ---- items ----

    def on_conversation_item_added(self, event: Event) -> None:
        item_id, previous = event["item"]["id"], event["previous_item_id"]
        assert item_id not in self.items
        assert item_id not in self.beside
        assert previous is None or previous in self.items
        self.items.insert(self.items.index(previous) + 1 if previous else 0, item_id)
        self.unfinished.add(item_id)

    def on_conversation_item_done(self, event: Event) -> None:
        item_id = event["item"]["id"]
        assert item_id in self.unfinished
        self.unfinished.discard(item_id)
        if item_id in self.items:
            index = self.items.index(item_id)
            assert event["previous_item_id"] == (self.items[index - 1] if index else None)

    def on_conversation_item_deleted(self, event: Event) -> None:
        self.items.remove(event["item_id"])

    def on_conversation_item_retrieved(self, event: Event) -> None:
        assert event["item"]["id"] in self.items

    def on_conversation_item_truncated(self, event: Event) -> None:
        assert event["item_id"] in self.items
        assert event["audio_end_ms"] >= 0

    # ---- responses ----

    def _response_event(self, event: Event) -> None:
        if event["type"].startswith("response.mcp_call."):
            assert event["item_id"] in self.remote
            return
        if event["type"] == "response.output_item.done" and event["item"]["id"] in self.remote:
            return  # A call of a remote tool outlives its response.
        response_id = event.get("response_id") or event["response"]["id"]
        if event["type"] == "response.created":
            self._begin(response_id, event["response"])
        assert response_id in self.going_on, "an event of a response that is not active"

    def _begin(self, response_id: str, response: Event) -> None:
        assert response_id not in self.responses
        begun = OpenResponse(response["conversation_id"] is not None)
        others = self.going_on.values()
        assert not (begun.in_conversation and any(other.in_conversation for other in others))
        self.responses[response_id] = "in_progress"
        self.going_on[response_id] = begun

    def on_response_created(self, event: Event) -> None:
        assert event["response"]["status"] == "in_progress"

    def on_response_output_item_added(self, event: Event) -> None:
        response = self.going_on[event["response_id"]]
        index, item_id = event["output_index"], event["item"]["id"]
        assert index == len(response.outputs)
        response.outputs[index] = item_id
        if event["item"]["type"] == "mcp_call":
            self.remote.add(item_id)
        else:
            assert event["item"]["status"] == "in_progress"
            response.open_outputs.add(index)
        if not response.in_conversation:
            self.beside.add(item_id)

    def on_response_content_part_added(self, event: Event) -> None:
        response = self._placed(event)
        assert event["output_index"] not in response.open_parts
        response.open_parts.add(event["output_index"])

    def on_response_output_audio_transcript_delta(self, event: Event) -> None:
        self._in_part(event)
        assert event["delta"]

    def on_response_output_text_delta(self, event: Event) -> None:
        self._in_part(event)
        assert event["delta"]

    def on_response_output_audio_delta(self, event: Event) -> None:
        self._in_part(event)

    def on_response_function_call_arguments_delta(self, event: Event) -> None:
        self._placed(event)
        assert event["delta"]

    def on_response_content_part_done(self, event: Event) -> None:
        self._in_part(event).open_parts.discard(event["output_index"])

    def on_response_output_item_done(self, event: Event) -> None:
        if event["item"]["id"] in self.remote:
            self.remote.remove(event["item"]["id"])
            return
        response = self.going_on[event["response_id"]]
        index = event["output_index"]
        assert index in response.open_outputs
        assert index not in response.open_parts
        assert event["item"]["id"] == response.outputs[index]
        assert event["item"]["status"] in ("completed", "incomplete")
        response.open_outputs.discard(index)

    def on_response_done(self, event: Event) -> None:
        response = self.going_on.pop(event["response"]["id"])
        assert not response.open_outputs
        assert event["response"]["status"] != "in_progress"
        assert (event["response"]["conversation_id"] is not None) == response.in_conversation
        finished = [item["id"] for item in event["response"]["output"]]
        assert finished == list(response.outputs.values())
        self.responses[event["response"]["id"]] = "done"

    def _placed(self, event: Event) -> OpenResponse:
        response = self.going_on[event["response_id"]]
        assert event["output_index"] in response.open_outputs
        assert event["item_id"] == response.outputs[event["output_index"]]
        return response

    def _in_part(self, event: Event) -> OpenResponse:
        response = self._placed(event)
        assert event["output_index"] in response.open_parts
        return response

    # ---- playing ----

    def on_output_audio_buffer_started(self, event: Event) -> None:
        assert event["response_id"] in self.responses
        assert event["response_id"] not in self.playing
        assert "started" not in self.playing.values()
        self.playing[event["response_id"]] = "started"

    def on_output_audio_buffer_stopped(self, event: Event) -> None:
        assert self.playing[event["response_id"]] == "started"
        assert self.responses[event["response_id"]] == "done"
        self.playing[event["response_id"]] = "over"

    def on_output_audio_buffer_cleared(self, event: Event) -> None:
        assert self.playing[event["response_id"]] == "started"
        self.playing[event["response_id"]] = "over"

"""One response, told as events while the engine generates it.

The message, if there is one, opens with the first text or audio and closes when the
response ends; calls of tools are items of their own (`response_calls`). In the order of
https://platform.openai.com/docs/guides/realtime-conversations:

    response.created
      response.output_item.added, conversation.item.added     message, in progress
      response.content_part.added
        response.output_audio_transcript.delta ...
      response.output_item.added ... response.output_item.done     a call of a tool
      response.output_audio.done, response.output_audio_transcript.done
      response.content_part.done
      response.output_item.done, conversation.item.done
    response.done
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

import msgspec

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.realtime import response_events as told
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import (
    ItemStatus,
    Message,
    OutputAudio,
    OutputText,
)
from antiphon_proto.realtime.response import (
    Response,
    ResponseAudio,
    ResponseAudioOutput,
)
from transceiver.heard_text import heard_text
from transceiver.item_history import ItemHistory
from transceiver.mcp.toolbox import NOTHING
from transceiver.response_calls import ResponseCalls
from transceiver.response_outcome import Outcome
from transceiver.response_output import Events, ResponseOutput
from transceiver.resumed_text import ResumedText
from transceiver.word_times import WordTimes

CONTENT_INDEX = 0


class _ContentPlace(TypedDict):
    response_id: str
    item_id: str
    output_index: int
    content_index: int


@dataclass(slots=True)
class _OpenMessage:
    output_index: int
    pieces: list[str] = field(default_factory=list)
    told: ResumedText = field(default_factory=ResumedText)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class ResponseStream:
    """Makes the events of response `number` and keeps its items in the history.

    What exceeds the output's room is neither told nor kept.
    """

    def __init__(
        self,
        number: int,
        session: RealtimeSession,
        history: ItemHistory,
        *,
        conversation_id: str | None,
        metadata: dict[str, str] | None,
        new_id: Callable[[str], str],
    ) -> None:
        """`session` is the configuration that holds for this response. One outside of the
        conversation has no `conversation_id`, and a `history` that is not the conversation's.
        """
        self.number = number
        self.item_id = new_id("item")
        self.text_only = session.text_only
        self.output_format = session.audio.output.format
        self.audio_ms = 0.0
        self.offer = NOTHING
        """What the model may call."""
        self._history = history
        self._message: _OpenMessage | None = None
        self._response = Response(
            id=new_id("resp"),
            status="in_progress",
            conversation_id=conversation_id,
            output_modalities=session.output_modalities,
            max_output_tokens=session.max_output_tokens,
            audio=ResponseAudio(
                output=ResponseAudioOutput(
                    format=session.audio.output.format, voice=session.audio.output.voice
                )
            ),
            metadata=metadata,
        )
        self.output = ResponseOutput(self.id, history, new_id, out_of_band=conversation_id is None)
        self._calls = ResponseCalls(self.output)

    @property
    def called_tools(self) -> bool:
        return self._calls.completed + self.output.remote_calls > 0

    def resume(self) -> tuple[str, Events]:
        """What was said of it, as far as its audio came; the text from here on follows that.

        Calls that are not whole are made anew.
        """
        return self._said(), self._calls.break_off()

    def _said(self) -> str:
        message = self._message
        if message is None:
            return ""
        text, audio_ms = message.text, int(self.audio_ms)
        said = text
        if not self.text_only:
            said = heard_text(text, audio_ms, audio_ms, self.word_times)
            self._history.restart_words(self.item_id, len(said), audio_ms)
        message.pieces = [said]
        message.told = ResumedText(text[len(said) :] + message.told.rest, said)
        return said

    @property
    def id(self) -> str:
        return self._response.id

    def created(self) -> Events:
        return [told.ResponseCreated(response=self._response)]

    def text(self, delta: str) -> Events:
        """More text, which is spoken unless the response is text only."""
        delta = delta[: self.output.room]
        if not delta:
            return []
        self.output.room -= len(delta)
        message, events = self._opened()
        delta = message.told.spaced(delta)
        message.pieces.append(delta)
        delta = message.told.new(delta)
        if not delta:
            return events
        if self.text_only:
            events.append(told.ResponseOutputTextDelta(**self._place(message), delta=delta))
        else:
            event = told.ResponseOutputAudioTranscriptDelta(**self._place(message), delta=delta)
            events.append(event)
        return events

    def audio(self, milliseconds: float) -> Events:
        """More audio."""
        _message, events = self._opened()
        self.audio_ms += milliseconds
        self._history.add_audio(self.item_id, milliseconds)
        return events

    def words(self, words: tuple[engine.WordEnd, ...]) -> None:
        """Where words of it end, as the engine tells."""
        self._history.add_words(self.item_id, words)

    @property
    def word_times(self) -> WordTimes | None:
        """Where its words end, as far as it is known."""
        return self._history.word_times(self.item_id)

    def truncate(self, heard_ms: int) -> bool:
        """Only so much of its audio was heard; whether that changes the conversation."""
        if not self.audio_ms or self.item_id not in self._history:
            return False
        self._history.truncate(self.item_id, heard_ms)
        return self._response.conversation_id is not None

    def audio_delta(self, base64: str) -> api.ServerEvent:
        """Audio for a client that plays it itself; `audio` comes first."""
        message, _events = self._opened()
        return told.ResponseOutputAudioDelta(**self._place(message), delta=base64)

    def tool_call_delta(self, event: engine.ToolCallDelta) -> Events:
        """More of a call of a tool."""
        return self._calls.delta(event)

    def tool_call(self, call: engine.FunctionCall) -> Events:
        """A whole call of a tool, which the client runs."""
        return self._calls.whole(call)

    def keep(self) -> None:
        """No more output will come: what was said is on record, though not yet told to be whole."""
        if self._message is not None:
            self._history.replace(
                Message(
                    id=self.item_id,
                    role="assistant",
                    content=[self._content(self._message.text)],
                    status="in_progress",
                )
            )

    def close(self, item_status: ItemStatus) -> Events:
        """No more output: end the message, if one is open, and calls that broke off."""
        return self._close_message(item_status) + self._calls.break_off()

    def _close_message(self, item_status: ItemStatus) -> Events:
        if self._message is None:
            return []
        message, self._message = self._message, None
        place, text = self._place(message), message.text
        item = Message(
            id=self.item_id, role="assistant", content=[self._content(text)], status=item_status
        )
        events: Events
        if self.text_only:
            events = [
                told.ResponseOutputTextDone(**place, text=text),
                told.ResponseContentPartDone(**place, part=told.TextPart(text=text)),
            ]
        else:
            events = [
                told.ResponseOutputAudioDone(**place),
                told.ResponseOutputAudioTranscriptDone(**place, transcript=text),
                told.ResponseContentPartDone(**place, part=told.AudioPart(transcript=text)),
            ]
        return events + self.output.finish(item, message.output_index)

    def done(self, outcome: Outcome, extra_metadata: dict[str, str]) -> Events:
        """The last event; `close` comes first."""
        metadata = {**(self._response.metadata or {}), **extra_metadata}
        response = msgspec.structs.replace(
            self._response,
            status=outcome.status,
            status_details=outcome.details,
            output=self.output.items,
            usage=outcome.usage,
            metadata=metadata or None,
        )
        return [told.ResponseDone(response=response)]

    def _opened(self) -> tuple[_OpenMessage, Events]:
        """The message, opened by these events if it was not."""
        if self._message is not None:
            return self._message, []
        item = Message(id=self.item_id, role="assistant", content=[], status="in_progress")
        index, events = self.output.add(item)
        self._message = _OpenMessage(index)
        part = told.TextPart(text="") if self.text_only else told.AudioPart(transcript="")
        events.append(told.ResponseContentPartAdded(**self._place(self._message), part=part))
        return self._message, events

    def _place(self, message: _OpenMessage) -> _ContentPlace:
        return {
            "response_id": self.id,
            "item_id": self.item_id,
            "output_index": message.output_index,
            "content_index": CONTENT_INDEX,
        }

    def _content(self, text: str) -> OutputText | OutputAudio:
        return OutputText(text=text) if self.text_only else OutputAudio(transcript=text)

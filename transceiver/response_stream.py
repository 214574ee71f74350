"""One response, told as events while the engine generates it.

The message, if there is one, opens with the first text or audio and closes when the
response ends; calls of tools are items of their own, whole at once. In the order of
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
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import (
    FunctionCall,
    Item,
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
from transceiver.response_outcome import Outcome
from transceiver.resumed_text import ResumedText
from transceiver.word_times import WordTimes

MAX_TEXT = 32 * 1024
"""Characters of text and arguments in a response, so that its events fit the data channel."""

MAX_TOOL_CALLS = 64

CONTENT_INDEX = 0

Events = list[api.ServerEvent]


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

    What exceeds MAX_TEXT or MAX_TOOL_CALLS is neither told nor kept.
    """

    def __init__(
        self,
        number: int,
        session: RealtimeSession,
        history: ItemHistory,
        *,
        conversation_id: str,
        metadata: dict[str, str] | None,
        new_id: Callable[[str], str],
    ) -> None:
        """`session` is the configuration that holds for this response."""
        self.number = number
        self.item_id = new_id("item")
        self.text_only = session.text_only
        self.output_format = session.audio.output.format
        self.audio_ms = 0.0
        self._history = history
        self._new_id = new_id
        self._message: _OpenMessage | None = None
        self._output: dict[int, Item] = {}
        self._added = 0
        self._called = 0
        self._room = MAX_TEXT
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

    @property
    def called_tools(self) -> bool:
        return self._called > 0

    def resume(self) -> str:
        """What was said of it, as far as its audio came; the text from here on follows that."""
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
        return [api.ResponseCreated(response=self._response)]

    def text(self, delta: str) -> Events:
        """More text, which is spoken unless the response is text only."""
        delta = delta[: self._room]
        if not delta:
            return []
        self._room -= len(delta)
        message, events = self._opened()
        delta = message.told.spaced(delta)
        message.pieces.append(delta)
        delta = message.told.new(delta)
        if not delta:
            return events
        if self.text_only:
            events.append(api.ResponseOutputTextDelta(**self._place(message), delta=delta))
        else:
            event = api.ResponseOutputAudioTranscriptDelta(**self._place(message), delta=delta)
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
        """Only so much of its audio was heard; whether that changes an item."""
        if not self.audio_ms or self.item_id not in self._history:
            return False
        self._history.truncate(self.item_id, heard_ms)
        return True

    def audio_delta(self, base64: str) -> api.ServerEvent:
        """Audio for a client that plays it itself; `audio` comes first."""
        message, _events = self._opened()
        return api.ResponseOutputAudioDelta(**self._place(message), delta=base64)

    def tool_call(self, call: engine.FunctionCall) -> Events:
        """A whole call of a tool, which the client runs."""
        size = len(call.arguments_json) + len(call.name)
        if size > self._room or len(self._output) >= MAX_TOOL_CALLS:
            return []
        self._room -= size
        self._called += 1
        item = FunctionCall(
            id=self._new_id("item"),
            call_id=call.call_id or self._new_id("call"),
            name=call.name,
            arguments="",
            status="in_progress",
        )
        index, events = self._add(item)
        whole = msgspec.structs.replace(item, arguments=call.arguments_json, status="completed")
        return events + self._arguments(whole, index) + self._finish(whole, index)

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
        """No more output: end the message, if one is open."""
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
                api.ResponseOutputTextDone(**place, text=text),
                api.ResponseContentPartDone(**place, part=api.TextPart(text=text)),
            ]
        else:
            events = [
                api.ResponseOutputAudioDone(**place),
                api.ResponseOutputAudioTranscriptDone(**place, transcript=text),
                api.ResponseContentPartDone(**place, part=api.AudioPart(transcript=text)),
            ]
        return events + self._finish(item, message.output_index)

    def done(self, outcome: Outcome, extra_metadata: dict[str, str]) -> Events:
        """The last event; `close` comes first."""
        metadata = {**(self._response.metadata or {}), **extra_metadata}
        response = msgspec.structs.replace(
            self._response,
            status=outcome.status,
            status_details=outcome.details,
            output=[item for _index, item in sorted(self._output.items())],
            usage=outcome.usage,
            metadata=metadata or None,
        )
        return [api.ResponseDone(response=response)]

    def _opened(self) -> tuple[_OpenMessage, Events]:
        """The message, opened by these events if it was not."""
        if self._message is not None:
            return self._message, []
        item = Message(id=self.item_id, role="assistant", content=[], status="in_progress")
        index, events = self._add(item)
        self._message = _OpenMessage(index)
        part = api.TextPart(text="") if self.text_only else api.AudioPart(transcript="")
        events.append(api.ResponseContentPartAdded(**self._place(self._message), part=part))
        return self._message, events

    def _add(self, item: Item) -> tuple[int, Events]:
        index = self._added
        self._added += 1
        previous = self._history.insert(item)
        return index, [
            api.ResponseOutputItemAdded(response_id=self.id, output_index=index, item=item),
            api.ConversationItemAdded(item=item, previous_item_id=previous),
        ]

    def _finish(self, item: Item, index: int) -> Events:
        self._history.replace(item)
        self._output[index] = item
        previous = self._history.previous_id(str(item.id))
        return [
            api.ResponseOutputItemDone(response_id=self.id, output_index=index, item=item),
            api.ConversationItemDone(item=item, previous_item_id=previous),
        ]

    def _arguments(self, item: FunctionCall, index: int) -> Events:
        item_id, call_id = str(item.id), str(item.call_id)
        return [
            api.ResponseFunctionCallArgumentsDelta(
                response_id=self.id,
                item_id=item_id,
                output_index=index,
                call_id=call_id,
                delta=item.arguments,
            ),
            api.ResponseFunctionCallArgumentsDone(
                response_id=self.id,
                item_id=item_id,
                output_index=index,
                call_id=call_id,
                name=item.name,
                arguments=item.arguments,
            ),
        ]

    def _place(self, message: _OpenMessage) -> _ContentPlace:
        return {
            "response_id": self.id,
            "item_id": self.item_id,
            "output_index": message.output_index,
            "content_index": CONTENT_INDEX,
        }

    def _content(self, text: str) -> OutputText | OutputAudio:
        return OutputText(text=text) if self.text_only else OutputAudio(transcript=text)

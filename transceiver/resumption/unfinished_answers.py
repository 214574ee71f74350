"""Which answers are being given, by the events that tell of them."""

from dataclasses import dataclass, field

import msgspec

from antiphon_proto.realtime import ServerEvent
from antiphon_proto.realtime import response_events as told
from antiphon_proto.realtime.items import Item, Message, OutputAudio, OutputText
from antiphon_proto.realtime.response import Response


@dataclass(slots=True)
class _Answer:
    response: Response
    items: dict[str, Item] = field(default_factory=dict)
    pieces: dict[str, list[str]] = field(default_factory=dict)

    def so_far(self) -> Response:
        output = [self._item(item_id, item) for item_id, item in self.items.items()]
        return msgspec.structs.replace(self.response, output=output)

    def _item(self, item_id: str, item: Item) -> Item:
        if not isinstance(item, Message) or item_id not in self.pieces:
            return item
        text = "".join(self.pieces[item_id])
        text_only = self.response.output_modalities == ["text"]
        part = OutputText(text=text) if text_only else OutputAudio(transcript=text)
        return msgspec.structs.replace(item, content=[part])


class UnfinishedAnswers:
    """Told of every event that goes to the client, in order."""

    def __init__(self) -> None:
        self.revision = 0
        """Changes whenever `responses` may be others."""
        self._answers: dict[str, _Answer] = {}

    def sent(self, event: ServerEvent) -> None:
        match event:
            case told.ResponseOutputAudioDelta():
                return
            case told.ResponseCreated(response=response):
                self._answers[response.id] = _Answer(response)
            case told.ResponseDone(response=response):
                self._answers.pop(response.id, None)
            case told.ResponseOutputItemAdded() | told.ResponseOutputItemDone():
                self._note_item(event.response_id, event.item)
            case told.ResponseOutputTextDelta() | told.ResponseOutputAudioTranscriptDelta():
                self._note_text(event.response_id, event.item_id, event.delta)
            case told.ResponseContentPartAdded():
                self._note_text(event.response_id, event.item_id, "")
            case _:
                return
        self.revision += 1

    def responses(self) -> tuple[Response, ...]:
        """Each as it stands; what is said of its messages is their content so far."""
        return tuple(answer.so_far() for answer in self._answers.values())

    def _note_item(self, response_id: str, item: Item) -> None:
        if answer := self._answers.get(response_id):
            answer.items[str(item.id)] = item
            if isinstance(item, Message) and item.content:
                answer.pieces.pop(str(item.id), None)

    def _note_text(self, response_id: str, item_id: str, delta: str) -> None:
        if answer := self._answers.get(response_id):
            answer.pieces.setdefault(item_id, []).append(delta)

"""A conversation as it is written down, and taken up again from what was written."""

from typing import TypedDict

import msgspec
from msgspec import Raw

from antiphon_proto.realtime import RealtimeError, RealtimeSession, parse_session
from antiphon_proto.realtime import response_events as told
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import FunctionCall, Item, Message, OutputAudio, OutputText
from antiphon_proto.realtime.response import Response, StatusDetails, StatusError
from antiphon_proto.realtime.transcription_session import shown_session
from transceiver.item_history import ItemHistory
from transceiver.outbox import Outbox
from transceiver.resumption.continuity import Continuity
from transceiver.resumption.snapshot import ItemRecord, Snapshot, SnapshotError
from transceiver.resumption.unfinished_answers import UnfinishedAnswers
from transceiver.session_state import SessionState


class _Place(TypedDict):
    response_id: str
    item_id: str
    output_index: int
    content_index: int


INTERRUPTED = StatusError(
    type="server_error",
    code="server_lost",
    message="The server that gave this response was lost. The conversation goes on without it.",
)


class ConversationRecord:
    """What of a conversation outlives its owner; and what its client is told of that."""

    def __init__(
        self,
        session: SessionState,
        history: ItemHistory,
        outbox: Outbox,
        continuity: Continuity | None,
    ) -> None:
        """Takes up what `continuity` says that was before."""
        self._session = session
        self._history = history
        self._outbox = outbox
        self._continuity = continuity
        self._unfinished = UnfinishedAnswers()
        self._encoded: tuple[RealtimeSession, Raw] | None = None
        self._broken_off: tuple[Response, ...] = ()
        if continuity is not None:
            outbox.watch(self._unfinished.sent)
            if continuity.restored is not None:
                self._restore(continuity.restored)

    @property
    def session_id(self) -> str:
        return self._session.current.id

    @property
    def revision(self) -> object:
        """Another one whenever `snapshot` may be another."""
        return self._session.current, self._history.revision, self._unfinished.revision

    def snapshot(self) -> Snapshot:
        return Snapshot(
            session=self._encoded_session(),
            items=tuple(self._record(item, words) for item, words in self._history.items()),
            unfinished=self._unfinished.responses(),
        )

    def greeting(self) -> api.SessionCreated:
        """The first event on a connection."""
        session = self._session.current
        if self._continuity is not None:
            session = self._continuity.greeting(session)
        return api.SessionCreated(session=shown_session(session))

    def greetings(self, conversation_id: str) -> list[api.ServerEvent]:
        """The first events of a session; one that goes on has its conversation already."""
        goes_on = self._continuity is not None and self._continuity.restored is not None
        if goes_on or self._session.only_transcribes:
            return [self.greeting()]
        named = api.ConversationName(id=conversation_id)
        return [self.greeting(), api.ConversationCreated(conversation=named)]

    def tell_broken_off(self) -> bool:
        """Tell the client of answers that were lost; whether the user still waits for one."""
        broken_off, self._broken_off = self._broken_off, ()
        for response in broken_off:
            self._outbox.send(*self._ends(response), told.ResponseDone(response=response))
        detection = self._session.turn_detection
        return (
            any(response.conversation_id for response in broken_off)
            and detection is not None
            and detection.create_response
        )

    def _restore(self, snapshot: Snapshot) -> None:
        self._broken_off = tuple(map(_ended, snapshot.unfinished))
        said = {str(item.id): item for each in self._broken_off for item in each.output}
        for record in snapshot.items:
            item = _with_end(said.get(record.id, record.item))
            if isinstance(item, FunctionCall) and item.status == "incomplete":
                continue  # Nobody can answer half a call.
            self._history.insert(item)
            self._history.add_audio(record.id, record.audio_ms)
            self._history.note_words(record.id, record.words)
            self._history.images.keep(record.id, record.images)
            self._session.voice_fixed |= _is_spoken(item)

    def _record(self, item: Item, words: str) -> ItemRecord:
        item_id = str(item.id)
        audio_ms = self._history.audio_ms(item_id)
        return ItemRecord(item, audio_ms, words, self._history.images(item_id))

    def _ends(self, response: Response) -> list[api.ServerEvent]:
        events: list[api.ServerEvent] = []
        for index, item in enumerate(response.output):
            if not isinstance(item, Message | FunctionCall) or item.status != "incomplete":
                continue
            if isinstance(item, Message):
                events += _content_ends(response.id, index, item)
            done = told.ResponseOutputItemDone(
                response_id=response.id, output_index=index, item=item
            )
            previous = self._history.previous_id(str(item.id))
            events += [done, api.ConversationItemDone(item=item, previous_item_id=previous)]
        return events

    def _encoded_session(self) -> Raw:
        current = self._session.current
        if self._encoded is None or self._encoded[0] is not current:
            self._encoded = current, Raw(msgspec.json.encode(current))
        return self._encoded[1]


def restored_session(snapshot: Snapshot) -> RealtimeSession:
    """The configuration in a snapshot. Raises SnapshotError."""
    try:
        return parse_session(bytes(snapshot.session))
    except RealtimeError as error:
        raise SnapshotError("a session that cannot be read") from error


def _ended(response: Response) -> Response:
    """The response without what will not come any more."""
    output = [_with_end(item) for item in response.output]
    details = StatusDetails(type="failed", error=INTERRUPTED)
    return msgspec.structs.replace(response, status="failed", status_details=details, output=output)


def _with_end(item: Item) -> Item:
    """The item as it will stay."""
    if isinstance(item, Message | FunctionCall) and item.status == "in_progress":
        return msgspec.structs.replace(item, status="incomplete")
    return item


def _content_ends(response_id: str, index: int, message: Message) -> list[api.ServerEvent]:
    """The events that end a message's one part, which it has from the first text or audio on."""
    item_id, events = str(message.id), list[api.ServerEvent]()
    for at, part in enumerate(message.content):
        place = _Place(
            response_id=response_id, item_id=item_id, output_index=index, content_index=at
        )
        if isinstance(part, OutputText):
            events.append(told.ResponseOutputTextDone(**place, text=part.text))
            part_done = told.TextPart(text=part.text)
            events.append(told.ResponseContentPartDone(**place, part=part_done))
        elif isinstance(part, OutputAudio):
            said = part.transcript
            events.append(told.ResponseOutputAudioDone(**place))
            events.append(told.ResponseOutputAudioTranscriptDone(**place, transcript=said))
            audio_part = told.AudioPart(transcript=said)
            events.append(told.ResponseContentPartDone(**place, part=audio_part))
    return events


def _is_spoken(item: Item) -> bool:
    return isinstance(item, Message) and any(isinstance(part, OutputAudio) for part in item.content)

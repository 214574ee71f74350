"""A conversation as it is written down, and taken up again from what was written."""

import msgspec
from msgspec import Raw

from antiphon_proto.realtime import RealtimeError, RealtimeSession, parse_session
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import Item, Message, OutputAudio
from antiphon_proto.realtime.response import Response, StatusDetails, StatusError
from antiphon_proto.realtime.transcription_session import shown_session
from transceiver.item_history import ItemHistory
from transceiver.outbox import Outbox
from transceiver.resumption.continuity import Continuity
from transceiver.resumption.snapshot import ItemRecord, Snapshot, SnapshotError
from transceiver.resumption.unfinished_answers import UnfinishedAnswers
from transceiver.session_state import SessionState

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

    def tell_broken_off(self) -> bool:
        """Tell the client of answers that were lost; whether the user still waits for one."""
        broken_off, self._broken_off = self._broken_off, ()
        for response in broken_off:
            self._outbox.send(*self._ends(response), api.ResponseDone(response=response))
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
            if item is None:
                continue
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
            if isinstance(item, Message) and item.status == "incomplete":
                previous = self._history.previous_id(str(item.id))
                done = api.ResponseOutputItemDone(
                    response_id=response.id, output_index=index, item=item
                )
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
    output = [item for item in map(_with_end, response.output) if item is not None]
    details = StatusDetails(type="failed", error=INTERRUPTED)
    return msgspec.structs.replace(response, status="failed", status_details=details, output=output)


def _with_end(item: Item) -> Item | None:
    """The item as it will stay; None where it is of no use, as half a call of a tool."""
    if getattr(item, "status", None) != "in_progress":
        return item
    if not isinstance(item, Message):
        return None
    return msgspec.structs.replace(item, status="incomplete")


def _is_spoken(item: Item) -> bool:
    return isinstance(item, Message) and any(isinstance(part, OutputAudio) for part in item.content)

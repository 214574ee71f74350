"""A call's conversation: what a client's and an engine's events mean to each other.

At the end of the file two tables say whose each event is: the user's turn (`user_turn.py`), the
agent's (`responses.py`), the items (`item_requests.py`), remote tools (`mcp/remote_tools.py`),
or what is done right here. All of them put what is to be done into one `outbox.py`. Where turn
detection is off, the client asks for commits and answers (`response.create`) itself.

The order of events is the API's:
https://platform.openai.com/docs/guides/realtime-conversations
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from antiphon_proto import trunk as engine
from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.realtime import ClientEvent, RealtimeError, RealtimeSession
from antiphon_proto.realtime import client_events as asked
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.realtime.response import ResponseParams
from transceiver.audio.playout import (
    HoldExpired,
    PlayoutCleared,
    PlayoutEvent,
    PlayoutStarted,
    PlayoutStopped,
)
from transceiver.call_trace import CallTrace
from transceiver.client_item import engine_history
from transceiver.client_message import read_message
from transceiver.close_reason import CloseReason
from transceiver.conversation_outputs import CLIENT, AppendAudio, CloseCall, Output
from transceiver.engine_leg import Resumption
from transceiver.error_event import error_event
from transceiver.farewells import FAREWELLS
from transceiver.idle_timeout import IdleTimeout
from transceiver.item_history import ItemHistory
from transceiver.item_requests import ItemRequests
from transceiver.ledger import LatencyLedger
from transceiver.mcp.remote_tools import RemoteTools
from transceiver.mcp.requests import McpOutcome
from transceiver.outbox import Outbox
from transceiver.response_rate import SpendRequest, unlimited
from transceiver.responses import Responses
from transceiver.resumption.continuity import Continuity
from transceiver.resumption.conversation_record import ConversationRecord
from transceiver.session_state import SessionState
from transceiver.transport import Transport
from transceiver.user_turn import UserTurn


def _as_it_is(_format: AudioFormat, _response: int, pcm: bytes) -> bytes:
    return pcm


class Conversation:
    """Sans-IO: every entry point returns what must be done, in order."""

    def __init__(
        self,
        session: RealtimeSession,
        *,
        call_id: str,
        transport: Transport,
        new_id: Callable[[str], str],
        heard_ms: Callable[[int], int],
        rtt_s: Callable[[], float | None],
        ledger: LatencyLedger,
        encode: Callable[[AudioFormat, int, bytes], bytes] = _as_it_is,
        continuity: Continuity | None = None,
        spend: SpendRequest = unlimited,
        trace: CallTrace | None = None,
    ) -> None:
        """`new_id("item")` is a fresh `item_...`; `heard_ms` is the playout's `played_ms`;
        `encode` puts the engine's PCM of a response into the format for the client's events;
        `continuity` is how a client goes on that was lost, if it can; `spend` counts a response;
        `trace` is told of what happens.

        The call itself tells `ledger` of the frames that it forwards; all else that the
        ledger needs, the conversation tells.
        """
        self._call_id = call_id
        self._trace = trace or CallTrace()
        self._audio_in_events = transport.audio_in_events
        self._outbox = Outbox(new_id)
        session = msgspec.structs.replace(session, id=session.id or new_id("sess"))
        self._session = SessionState(session)
        self._history = ItemHistory()
        self.record = ConversationRecord(self._session, self._history, self._outbox, continuity)
        self._remote = RemoteTools(self._outbox, self._session, self._history, new_id)
        self._responses = Responses(
            self._outbox,
            self._session,
            self._history,
            ledger,
            self._remote,
            plays=not transport.audio_in_events,
            new_id=new_id,
            heard_ms=heard_ms,
            rtt_s=rtt_s,
            encode=encode,
            spend=spend,
            trace=self._trace,
        )
        self._user = UserTurn(
            self._outbox,
            self._session,
            self._history,
            ledger,
            self._responses,
            IdleTimeout(client_plays=transport.audio_in_events),
            lambda: new_id("item"),
        )
        self._items = ItemRequests(self._outbox, self._history, new_id)

    # ---- entry points --------------------------------------------------------

    def open(self) -> list[Output]:
        """Open the engine's session. Call once, first."""
        self._outbox.command(self.engine_opening())
        self._remote.list_servers()
        return self._outbox.drain()

    # ---- for an engine that takes over ---------------------------------------

    def engine_opening(self) -> engine.Open:
        """The conversation as it is, without the answer that is being given."""
        giving = self._responses.giving
        items = [each for each in self._history.items() if each[0].id != giving]
        history = engine_history(items, self._history.images)
        config = self._session.engine_config()
        model = self._session.current.model
        return engine.Open(self._call_id, model, config, history, self._trace.traceparent)

    def engine_resumptions(self) -> tuple[tuple[Resumption, ...], list[Output]]:
        """The answers that are being given, if any are: from here on another engine gives them."""
        return self._responses.resume(), self._outbox.drain()

    @property
    def engine_pauses(self) -> bool:
        """Whether nobody speaks, or has said anything that waits for an answer."""
        return not self._responses.busy and not self._user.holds_speech

    # ---- events --------------------------------------------------------------

    def channel_opened(self, _now: float) -> list[Output]:
        """Events can reach the client: session.created, then what had to wait for it."""
        self._outbox.open(*self.record.greetings(self._responses.conversation_id))
        if self.record.tell_broken_off():
            self._responses.answer_turn()
        return self._outbox.drain()

    def client_returned(self) -> list[Output]:
        """Events reach the client again, by another connection."""
        self._outbox.open(self.record.greeting())
        return self._outbox.drain()

    def leaving(self) -> list[Output]:
        """The conversation goes on elsewhere: what is going on ends here."""
        self._responses.interrupt("client_cancelled")
        return self._outbox.drain()

    def sideband_joined(self, number: int) -> list[Output]:
        """A sideband hears from here on: session.created first."""
        self._outbox.greet(number, api.SessionCreated(session=self._session.shown))
        return self._outbox.drain()

    def client_event(self, text: str | bytes, _now: float, asker: int = CLIENT) -> list[Output]:
        """The client or a sideband sent an event; a refused one is answered with `error`."""
        event_id = None
        self._outbox.asker = asker
        try:
            event = read_message(text, with_audio=self._audio_in_events)
            event_id = event.event_id
            self._CLIENT_HANDLERS[type(event)](self, event)
        except RealtimeError as error:
            self._refuse(error, error.event_id if event_id is None else event_id)
        return self._outbox.drain()

    def refuse_audio(self, error: RealtimeError, event_id: str | None) -> list[Output]:
        """Audio of an AppendAudio could not be taken."""
        self._refuse(error, event_id)
        return self._outbox.drain()

    def key_pressed(self, key: str, unix_time: float) -> list[Output]:
        """The caller pressed a key of the telephone."""
        received_at = int(unix_time)
        self._outbox.send(api.InputAudioBufferDtmfEventReceived(event=key, received_at=received_at))
        return self._outbox.drain()

    def failed(self, code: str, message: str) -> list[Output]:
        """Something that was asked for by other ways than events did not succeed."""
        self._outbox.send(error_event("server_error", RealtimeError(code, message)))
        return self._outbox.drain()

    def input_audio(self, milliseconds: float) -> None:
        """So much input went to the engine."""
        self._user.hear(milliseconds)

    def engine_event(self, event: engine.Event, now: float) -> list[Output]:
        """The engine reported something."""
        handler = self._ENGINE_HANDLERS.get(type(event))
        if handler:
            handler(self, event, now)
        return self._outbox.drain()

    def engine_audio(self, response: int, pcm: bytes, now: float) -> list[Output]:
        """Audio came; what belongs to a response that was cut is dropped."""
        self._responses.audio(response, pcm, now)
        self._user.hear_agent(len(pcm) / BYTES_PER_SAMPLE / self._responses.output_rate, now)
        return self._outbox.drain()

    def tick(self, now: float) -> list[Output]:
        """Do what time asks for; call it often, such as ten times a second."""
        self._items.allowance.fill(now)
        self._user.tick(now)
        return self._outbox.drain()

    def mcp_outcome(self, outcome: McpOutcome) -> list[Output]:
        """What came of a RunMcp."""
        for held in self._remote.take(outcome):
            self._outbox.asker = held.asker
            try:
                self._responses.create(held.event.response or ResponseParams())
            except RealtimeError as error:
                self._refuse(error, held.event.event_id)
        return self._outbox.drain()

    def playout_event(self, event: PlayoutEvent, now: float) -> list[Output]:
        """The playout reached something; that it was cut was known here first."""
        match event:
            case PlayoutStarted(response):
                self._responses.playout_started(response, now)
            case PlayoutStopped(response):
                self._responses.playout_stopped(response)
            case HoldExpired():
                self._responses.take_floor()
            case PlayoutCleared():
                pass
        return self._outbox.drain()

    def closing(self, reason: CloseReason) -> list[Output]:
        """The call ends: tell the client why, where it cannot know."""
        if reason in FAREWELLS:
            self._outbox.send(api.Error(error=FAREWELLS[reason]))
        return self._outbox.drain()

    # ---- the client's events -------------------------------------------------

    def _update_session(self, event: asked.SessionUpdate) -> None:
        self._session.update(bytes(event.session), answering=self._responses.busy)
        self._outbox.command(engine.Update(self._session.engine_config()))
        if self._session.turn_detection is None:
            self._responses.release()
        self._outbox.send(api.SessionUpdated(session=self._session.shown))
        self._remote.list_servers()

    def _append_audio(self, event: asked.InputAudioBufferAppend) -> None:
        if not self._audio_in_events:
            raise RealtimeError(
                "unsupported_on_transport", "This session's audio travels by RTP, not in events."
            )
        audio_format = self._session.current.audio.input.format
        self._outbox.add(AppendAudio(event.audio, audio_format, event.event_id))

    def _create_response(self, event: asked.ResponseCreate) -> None:
        self._session.check_answers()
        if not self._remote.hold(event):
            self._responses.create(event.response or ResponseParams())

    # ---- the engine's events -------------------------------------------------

    def _engine_ready(self, event: engine.Ready, _now: float) -> None:
        self._responses.output_rate = event.output_rate
        self._user.follow(event)

    def _response_proposed(self, _event: engine.ResponseProposed, _now: float) -> None:
        detection = self._session.turn_detection
        if detection is not None and detection.create_response:
            self._responses.speak_unasked()

    def _answer_done(self, event: engine.Done, _now: float) -> None:
        self._user.answered()
        self._responses.engine_done(event)

    def _engine_failed(self, event: engine.Error, _now: float) -> None:
        if event.fatal:
            self._responses.fail(event.code, event.message)
        self._outbox.send(error_event("server_error", RealtimeError(event.code, event.message)))
        if event.fatal:
            self._outbox.add(CloseCall(CloseReason.ENGINE_FAILED))

    def _refuse(self, error: RealtimeError, event_id: str | None) -> None:
        self._outbox.reply(error_event("invalid_request_error", error, event_id))

    # ---- which event is whose: by functions, for bound methods would be cycles ---

    _CLIENT_HANDLERS: ClassVar[
        Mapping[type[ClientEvent], Callable[["Conversation", Any], None]]
    ] = {
        asked.SessionUpdate: _update_session,
        asked.InputAudioBufferAppend: _append_audio,
        asked.InputAudioBufferCommit: lambda self, _event: self._user.commit_at_request(),
        asked.InputAudioBufferClear: lambda self, _event: self._user.clear(),
        asked.OutputAudioBufferClear: lambda self, _event: self._responses.clear_playout(),
        asked.ConversationItemCreate: lambda self, event: self._remote.create_item(
            event, self._items.create
        ),
        asked.ConversationItemRetrieve: lambda self, event: self._items.retrieve(event),
        asked.ConversationItemDelete: lambda self, event: self._items.delete(event),
        asked.ConversationItemTruncate: lambda self, event: self._items.truncate(event),
        asked.ResponseCreate: _create_response,
        asked.ResponseCancel: lambda self, event: self._responses.cancel(event.response_id),
    }
    # The client was told of a response when it was asked for, before the engine started it.
    _ENGINE_HANDLERS: ClassVar[
        Mapping[type[engine.Event], Callable[["Conversation", Any, float], None]]
    ] = {
        engine.Ready: _engine_ready,
        engine.SpeechStarted: lambda self, event, _now: self._user.speech_started(event),
        engine.SpeechStopped: lambda self, event, _now: self._user.speech_stopped(
            event.audio_end_ms
        ),
        engine.FloorTaken: lambda self, _event, _now: self._responses.take_floor(),
        engine.SpeechDismissed: lambda self, event, _now: self._user.speech_dismissed(event),
        engine.TurnEnded: lambda self, event, now: self._user.ended(event, now),
        engine.ResponseProposed: _response_proposed,
        engine.InputTranscript: lambda self, event, _now: self._user.transcribed(event),
        engine.TextDelta: lambda self, event, _now: self._responses.text(event),
        engine.WordsSpoken: lambda self, event, _now: self._responses.words(event),
        engine.ToolCallDelta: lambda self, event, _now: self._responses.tool_call_delta(event),
        engine.ToolCall: lambda self, event, _now: self._responses.tool_call(event),
        engine.Done: _answer_done,
        engine.Error: _engine_failed,
    }

"""The agent's turn: responses are generated, and what was generated is played.

Generation of a response, where the server owns the playout clock (`response_playout`):

    generating ──engine done──► generated ──first frame sent──► done
        │                          (held: the latency is known only then)
        └──cancelled, interrupted, failed──────────────────────► done

One response at a time joins the conversation: it is active until it is done, and can play on
after that, with a next one queued behind it. Others may be given beside it, out of band, of
which the conversation knows nothing; done follows at once there, and where the client plays.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

from antiphon_proto import trunk as engine
from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.realtime.response import ResponseParams, StatusReason
from transceiver.call_trace import CallTrace
from transceiver.conversation_outputs import TurnMeasured
from transceiver.engine_leg import Resumption
from transceiver.error_event import error_event
from transceiver.item_history import ItemHistory
from transceiver.ledger import LatencyLedger
from transceiver.mcp.remote_tools import RemoteTools
from transceiver.ongoing_responses import Ongoing, OngoingResponses
from transceiver.outbox import Outbox
from transceiver.response_context import ResponseContext
from transceiver.response_outcome import (
    Outcome,
    cancelled,
    failed,
    latency_metadata,
    outcome_of,
)
from transceiver.response_playout import ResponsePlayout
from transceiver.response_rate import ResponseRate, SpendRequest, unlimited
from transceiver.response_stream import ResponseStream
from transceiver.session_state import SessionState

MAX_ASIDE_ITEMS, MAX_ASIDE_BYTES = 64, 1024 * 1024
"""Of items outside of the conversation, which later responses may refer to."""


class Responses:
    """Starts, tells, plays and ends responses."""

    def __init__(
        self,
        outbox: Outbox,
        session: SessionState,
        history: ItemHistory,
        ledger: LatencyLedger,
        remote: RemoteTools,
        *,
        plays: bool,
        new_id: Callable[[str], str],
        heard_ms: Callable[[int], int],
        rtt_s: Callable[[], float | None],
        encode: Callable[[AudioFormat, int, bytes], bytes],
        spend: SpendRequest = unlimited,
        trace: CallTrace,
    ) -> None:
        """`plays`: the server owns the playout clock, which `heard_ms` asks; where it does not,
        `encode` gives what is sent of a response's PCM; `spend` counts a response that begins.
        """
        self.output_rate = 24000
        self._outbox = outbox
        self._session = session
        self._history = history
        self._ledger = ledger
        self._remote = remote
        self._new_id = new_id
        self._rtt_s = rtt_s
        self._trace = trace
        self._encode = encode
        self._rate = ResponseRate(spend)
        self.conversation_id = new_id("conv")
        self._number = 0
        self._ongoing = OngoingResponses()
        self._aside = ItemHistory(MAX_ASIDE_ITEMS, MAX_ASIDE_BYTES)
        self._context = ResponseContext((history, self._aside), new_id)
        self._playout = ResponsePlayout(outbox, plays=plays, heard_ms=heard_ms)
        self._owed = False

    # ---- generating ----------------------------------------------------------

    def answer_turn(self) -> None:
        """Answer the user's turn: now, or when the active response is done."""
        if self._ongoing.active:
            self._owed = True
        else:
            self._create_unasked()

    def speak_unasked(self) -> None:
        """Let the agent say what it proposes to say; not while it answers."""
        if not self._ongoing.active:
            self._create_unasked()

    def _create_unasked(self) -> None:
        """Start a response for which there is no event of a client: all are told if it cannot."""
        try:
            self.create(ResponseParams())
        except RealtimeError as error:
            self._ledger.unanswered()
            self._outbox.send(error_event("invalid_request_error", error))

    def create(self, params: ResponseParams) -> None:
        """Start a response. Raises RealtimeError."""
        out_of_band = self._out_of_band(params)
        session = self._session.for_response(params)
        asked, offer = self._session.engine_config_for(session, params)
        context = None if params.input is None else self._context.of(params.input)
        limits = self._rate.count()
        self._number += 1
        stream = ResponseStream(
            self._number,
            session,
            self._aside if out_of_band else self._history,
            conversation_id=None if out_of_band else self.conversation_id,
            metadata=params.metadata,
            new_id=self._new_id,
        )
        stream.offer = offer
        request = engine.Respond(
            stream.number,
            stream.item_id,
            None if asked == self._session.engine_config() else asked,
            context,
            out_of_band,
            traceparent=self._trace.responding(
                stream.number, stream.id, text_only=stream.text_only
            ),
        )
        self._ongoing.begin(stream, request)
        if not out_of_band:
            self._ledger.responding(stream.number)
            self._playout.reserve(stream)
        self._outbox.command(request)
        self._outbox.send(*stream.created(), *limits)

    def _out_of_band(self, params: ResponseParams) -> bool:
        """Whether it joins no conversation. Raises RealtimeError where it cannot be begun."""
        out_of_band = params.conversation == "none"
        if not out_of_band and params.conversation not in (None, "auto", self.conversation_id):
            raise RealtimeError(
                "invalid_value",
                f"There is no conversation {params.conversation!r}: use 'auto' or 'none'.",
                param="response.conversation",
            )
        self._ongoing.check_room(out_of_band=out_of_band)
        return out_of_band

    def text(self, event: engine.TextDelta) -> None:
        if stream := self._ongoing.generating(event.response):
            self._outbox.send(*stream.text(event.text))

    def words(self, event: engine.WordsSpoken) -> None:
        if stream := self._ongoing.generating(event.response):
            stream.words(event.words)

    def tool_call_delta(self, event: engine.ToolCallDelta) -> None:
        stream = self._ongoing.generating(event.response)
        if stream and event.name not in stream.offer.remote:
            self._outbox.send(*stream.tool_call_delta(event))

    def tool_call(self, event: engine.ToolCall) -> None:
        stream = self._ongoing.generating(event.response)
        if stream and not self._remote.call(stream.output, stream.offer, event.call):
            self._outbox.send(*stream.tool_call(event.call))

    def audio(self, response: int, pcm: bytes, now: float) -> None:
        """Play or send audio of a response that is generated; drop that of any other."""
        stream = self._ongoing.generating(response)
        if stream is None or stream.text_only or not pcm:
            return
        self._session.voice_fixed = True
        self._ledger.first_audio(response, now)
        milliseconds = len(pcm) / BYTES_PER_SAMPLE / self.output_rate * 1000
        self._outbox.send(*stream.audio(milliseconds))
        if self._playout.plays:
            self._playout.play(stream, pcm)
        elif encoded := self._encode(stream.output_format, response, pcm):
            self._ledger.first_frame_sent(response, now)
            self._trace.heard()
            self._outbox.send(stream.audio_delta(b64encode(encoded).decode()))

    def engine_done(self, done: engine.Done) -> None:
        """The engine finished; the response is done unless none of its audio was sent yet."""
        stream = self._ongoing.generating(done.response)
        if stream is None:
            return
        self._playout.finish(stream)
        if stream is not self._ongoing.active:
            self._end(stream, outcome_of(done))
            return
        self._ledger.done(done.response, done.stages)
        self._ongoing.generated = done
        if self._playout.waits(stream):
            stream.keep()
        else:
            self._complete(stream, done)

    # ---- for an engine that takes over ---------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the agent's turn is not over."""
        return bool(self._ongoing or self._playout or self._owed)

    @property
    def giving(self) -> str | None:
        """The id of the message of the conversation that is being generated."""
        active = self._ongoing.active
        return active.item_id if active and not self._ongoing.generated else None

    def resume(self) -> tuple[Resumption, ...]:
        """Have another engine go on with the responses of which there is more to come.

        One that called tools is over: its calls are whole, and would be made again. A turn that
        waited for its end is answered now.
        """
        for ongoing in self._ongoing:
            if ongoing.stream.called_tools:
                self.engine_done(engine.Done(ongoing.stream.number, engine.DoneStatus.COMPLETED))
        left = (each for each in self._ongoing if self._ongoing.generating(each.stream.number))
        return tuple(map(self._resumption, left))

    def _resumption(self, ongoing: Ongoing) -> Resumption:
        said, events = ongoing.stream.resume()
        self._outbox.send(*events)
        return Resumption(replace(ongoing.request, said=said), int(ongoing.stream.audio_ms))

    # ---- stopping ------------------------------------------------------------

    def cancel(self, response_id: str | None) -> None:
        """Stop generating at the client's wish; what is queued plays on. Raises RealtimeError.

        Without an id it is the conversation's.
        """
        stream = self._ongoing.named(response_id)
        if stream is None:
            raise RealtimeError(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        self._outbox.command(engine.Cancel(stream.number, int(stream.audio_ms)))
        self._playout.finish(stream)
        self._end(stream, cancelled("client_cancelled"))
        self._answer_owed_turn()

    def clear_playout(self) -> None:
        """Cut what plays at the client's wish, and stop generating it."""
        if self._playout:
            self.interrupt("client_cancelled")

    def interrupt(self, reason: StatusReason) -> None:
        """Stop generating and playing at once; what was not heard is no part of the record.

        What is given out of band is stopped with what plays, if it is to be heard there.
        """
        streams = self._playout.streams
        active = self._ongoing.active
        if active and active not in self._playout:
            streams.append(active)
        heard = [(stream, self._playout.heard_of(stream)) for stream in streams]
        for stream, heard_ms in heard:
            self._outbox.command(engine.Cancel(stream.number, heard_ms))
        self._playout.cut()
        self._owed = False
        for stream in streams:
            if stream in self._ongoing:
                self._end(stream, cancelled(reason))
        for stream, heard_ms in heard:
            self._playout.truncate(stream, heard_ms)

    def hold(self) -> None:
        """The user speaks, and perhaps not to interrupt: be silent until that is known."""
        if not self._playout.plays:
            self.interrupt("turn_detected")
        elif self._ongoing.active or self._playout:
            self._playout.hold()

    def take_floor(self) -> None:
        """What is held, if anything is, was interrupted."""
        if self._playout.held:
            self.interrupt("turn_detected")

    def release(self) -> None:
        """What is held, if anything is, goes on with the word that was broken off."""
        self._playout.release()

    def fail(self, code: str, message: str) -> None:
        """End all responses, because the engine cannot go on."""
        self._owed = False
        for ongoing in self._ongoing:
            self._end(ongoing.stream, failed(code, message))

    # ---- playing -------------------------------------------------------------

    def playout_started(self, number: int, now: float) -> None:
        """The first frame of a response was sent."""
        stream = self._playout.started(number)
        if stream is None:
            return
        self._ledger.first_frame_sent(number, now)
        self._trace.heard()
        if stream is self._ongoing.active and self._ongoing.generated:
            self._complete(stream, self._ongoing.generated)

    def playout_stopped(self, number: int) -> None:
        """All of a response was played."""
        self._playout.stopped(number)

    # ---- ending --------------------------------------------------------------

    def _complete(self, stream: ResponseStream, done: engine.Done) -> None:
        self._end(stream, outcome_of(done))
        self._answer_owed_turn()

    def _end(self, stream: ResponseStream, outcome: Outcome) -> None:
        self._ongoing.end(stream)
        turn = self._ledger.turn(stream.number, self._rtt_s())
        account = turn.account if turn else None
        self._trace.responded(stream.number, outcome, turn)
        self._outbox.send(*stream.close(outcome.item_status))
        self._outbox.send(*stream.done(outcome, latency_metadata(account)))
        if account:
            self._outbox.add(TurnMeasured(account))

    def _answer_owed_turn(self) -> None:
        if self._owed:
            self._owed = False
            self._create_unasked()

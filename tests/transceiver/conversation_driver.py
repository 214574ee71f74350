"""Runs a Conversation as a call does, with the real playout and a clock that tests move."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeSession, encode_server_event
from tests.transceiver import official_shapes
from tests.transceiver.event_rules import EventRules
from transceiver.audio.playout import Playout
from transceiver.call_trace import CallTrace
from transceiver.conversation import Conversation
from transceiver.conversation_outputs import (
    AppendAudio,
    CloseCall,
    CutPlayout,
    FinishPlayout,
    HoldPlayout,
    Output,
    PlayAudio,
    ResumePlayout,
    RunMcp,
    SendEngineCommand,
    SendEvent,
    TurnMeasured,
)
from transceiver.ledger import LatencyLedger, TurnAccount
from transceiver.mcp.requests import McpOutcome, McpRequest
from transceiver.response_rate import SpendRequest, unlimited
from transceiver.transport import Transport

RATE = 24000
FRAME_MS = 20
MAX_EVENT_BYTES = 262_144
"""The max-message-size of Chromium's offer."""

CommandT = TypeVar("CommandT")


def pcm(milliseconds: int) -> bytes:
    return bytes(RATE * milliseconds // 1000 * 2)


def _wanted(session: dict[str, Any]) -> RealtimeSession:
    transcribes = session.get("type") == "transcription"
    defaults = RealtimeSession.of_type("transcription" if transcribes else "realtime")
    return defaults.merged(json.dumps(session))


@dataclass
class Mark:
    """Where a test began to look."""

    events: int
    commands: int


class Driver:
    """Everything sent is checked against the SDK's shapes and the rules of the sequence."""

    def __init__(
        self,
        session: dict[str, Any] | None = None,
        *,
        transport: Transport = Transport.WEBRTC,
        rtt_s: float | None = None,
        open_channel: bool = True,
        judges: bool = False,
        spend: SpendRequest = unlimited,
        trace: CallTrace | None = None,
    ) -> None:
        counters: dict[str, Callable[[], int]] = {}

        def new_id(prefix: str) -> str:
            count = counters.setdefault(prefix, itertools.count(1).__next__)
            return f"{prefix}_{count()}"

        self.now = 100.0
        self.events: list[dict[str, Any]] = []
        self.commands: list[engine.Command] = []
        self.closed: list[CloseCall] = []
        self.accounts: list[TurnAccount] = []
        self.appended: list[bytes] = []
        self.mcp_requests: list[McpRequest] = []
        self.rules = EventRules()
        self.playout = Playout(RATE)
        self.ledger = LatencyLedger()
        self.conversation = Conversation(
            _wanted(session or {}),
            call_id="rtc_test",
            transport=transport,
            new_id=new_id,
            heard_ms=self.playout.played_ms,
            rtt_s=lambda: rtt_s,
            ledger=self.ledger,
            spend=spend,
            trace=trace,
        )
        self.position_ms = 0
        self.act(self.conversation.open())
        self.engine(
            engine.Ready("test", RATE, RATE, full_duplex=False, judges_interruptions=judges)
        )
        if open_channel:
            self.open_channel()

    # ---- causes ----

    def open_channel(self) -> None:
        self.act(self.conversation.channel_opened(self.now))

    def client(self, type_: str, **members: Any) -> None:
        self.client_text(json.dumps({"type": type_, **members}))

    def client_text(self, text: str | bytes) -> None:
        self.act(self.conversation.client_event(text, self.now))

    def engine(self, *events: engine.Event) -> None:
        for event in events:
            self.act(self.conversation.engine_event(event, self.now))

    def mcp(self, *outcomes: McpOutcome) -> None:
        """What was asked of MCP servers comes to something."""
        for outcome in outcomes:
            self.act(self.conversation.mcp_outcome(outcome))

    def speech(self, response: int, milliseconds: int) -> None:
        """The engine sends audio."""
        self.act(self.conversation.engine_audio(response, pcm(milliseconds), self.now))

    def input(self, milliseconds: int) -> None:
        """The client's audio arrives and goes on."""
        for _ in range(milliseconds // FRAME_MS):
            self.conversation.input_audio(FRAME_MS)
            self.ledger.frame_forwarded(self.position_ms, 0.0, self.now)
            self.position_ms += FRAME_MS
            self.now += FRAME_MS / 1000

    def play(self, milliseconds: int) -> None:
        """Time passes on the playout clock."""
        for _ in range(milliseconds // FRAME_MS):
            self.playout.next_frame()
            for event in self.playout.take_events():
                self.act(self.conversation.playout_event(event, self.now))
            self.now += FRAME_MS / 1000

    def user_turn(self, milliseconds: int = 1000) -> None:
        """The user speaks, and the engine finds the turn's end."""
        start = self.position_ms
        self.engine(engine.SpeechStarted(start))
        self.input(milliseconds)
        end = self.position_ms
        self.engine(engine.SpeechStopped(end), engine.TurnEnded(end - 500))

    # ---- effects ----

    def act(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._act_on(output)

    def _act_on(self, output: Output) -> None:
        match output:
            case SendEvent(event):
                encoded = encode_server_event(event)
                assert len(encoded) <= MAX_EVENT_BYTES
                decoded = json.loads(encoded)
                official_shapes.check(decoded)
                self.rules.take(decoded)
                self.events.append(decoded)
            case SendEngineCommand(command):
                self.commands.append(command)
            case AppendAudio(audio):
                self.appended.append(audio)
            case RunMcp(request):
                self.mcp_requests.append(request)
            case PlayAudio(response, audio):
                self.playout.push(response, audio)
            case FinishPlayout(response):
                self.playout.finish(response)
            case CutPlayout():
                self.playout.cut()
            case HoldPlayout():
                self.playout.hold()
            case ResumePlayout(again_ms):
                self.playout.resume(again_ms)
            case TurnMeasured(account):
                self.accounts.append(account)
            case CloseCall():
                self.closed.append(output)

    # ---- what tests look at ----

    def mark(self) -> Mark:
        return Mark(len(self.events), len(self.commands))

    def types(self, since: Mark | None = None) -> list[str]:
        """Types of the events since a mark, without those of the same type in a row."""
        names = [event["type"] for event in self.events[since.events if since else 0 :]]
        return [name for name, _ in itertools.groupby(names)]

    def last(self, type_: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == type_)

    def sent(self, kind: type[CommandT], since: Mark | None = None) -> list[CommandT]:
        """Commands of a kind."""
        commands = self.commands[since.commands if since else 0 :]
        return [command for command in commands if isinstance(command, kind)]

    def error(self) -> dict[str, Any]:
        """The last event, which is an error."""
        assert self.events[-1]["type"] == "error"
        error: dict[str, Any] = self.events[-1]["error"]
        return error

    def item(self, item_id: str) -> dict[str, Any]:
        """An item as the server has it."""
        self.client("conversation.item.retrieve", item_id=item_id)
        item: dict[str, Any] = self.last("conversation.item.retrieved")["item"]
        return item

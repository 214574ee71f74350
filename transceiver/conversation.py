"""A call's conversation: turns, responses and the events that tell of them."""

from collections.abc import Callable
from enum import Enum

from antiphon_proto.realtime import RealtimeSession
from transceiver.audio.playout import PlayoutEvent
from transceiver.conversation_outputs import Output
from transceiver.engine_messages import EngineEvent
from transceiver.ledger import LatencyLedger


class Transport(Enum):
    """How the client's events and audio travel."""

    WEBRTC = "webrtc"
    """Audio on an RTP track: the server owns the playout clock."""
    WEBSOCKET = "websocket"
    """Audio in events: the client plays it, and says what was heard."""


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
    ) -> None:
        """`new_id("item")` is a fresh `item_...`; `heard_ms` is the playout's `played_ms`.

        The call itself tells `ledger` of the frames that it forwards; all else that the
        ledger needs, the conversation tells.
        """

    def open(self) -> list[Output]:
        """Open the engine's session. Call once, first."""

    def channel_opened(self, now: float) -> list[Output]:
        """Events can reach the client: session.created, then what had to wait for it."""

    def client_event(self, text: str | bytes, now: float) -> list[Output]:
        """The client sent an event; one that is refused is answered with `error`."""

    def input_audio(self, milliseconds: float) -> None:
        """So much input went to the engine."""

    def engine_event(self, event: EngineEvent, now: float) -> list[Output]: ...

    def engine_audio(self, response: int, pcm: bytes, now: float) -> list[Output]:
        """Audio came; what belongs to a response that was cut is dropped."""

    def playout_event(self, event: PlayoutEvent, now: float) -> list[Output]: ...

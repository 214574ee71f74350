"""A call by SIP: an RTP call whose way, format and hold its signaling tells, either way."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from antiphon_proto.address import Address
from antiphon_proto.demux import packet_kind
from antiphon_proto.realtime import RealtimeSession, encode_server_event
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.format import AudioFormat, Codec
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation_outputs import SendEvent
from transceiver.dtls import DtlsCertificate
from transceiver.media_transport import SendDatagram
from transceiver.response_rate import SpendRequest
from transceiver.rtp_call import TEND_INTERVAL_S, RtpCall
from transceiver.sdp.agreed_media import AgreedMedia
from transceiver.sdp.direction import Direction
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.signalled_transport import SignalledTransport
from transceiver.sip.invite_session import EndedBy, Ending, InviteSession
from transceiver.transport import Transport

Result = TypeVar("Result")

_NOTHING_AGREED = AgreedMedia(
    AudioFormat(Codec.PCMU, 0), Direction.INACTIVE, remote=None, remote_rtcp=None
)
"""Until the first answer a call is on hold, so to say."""

_REASONS = {
    EndedBy.PEER: CloseReason.CLIENT_HANGUP,
    EndedBy.US: CloseReason.CLIENT_HANGUP,
    EndedBy.REFUSED: CloseReason.REFUSED,
    EndedBy.UNANSWERED: CloseReason.UNANSWERED,
    EndedBy.EXPIRED: CloseReason.UNANSWERED,
}


@dataclass(frozen=True, slots=True)
class SipMedia:
    """How a call's packets come and go, beside what is negotiated."""

    send: SendDatagram
    latch: Callable[[Address], None] | None = None
    """To be told where the peer is, behind a port leased for it."""
    release: Callable[[], None] = lambda: None
    """Give up what was leased."""


class SipCall(RtpCall):
    """Runs one call from when it is to be taken, or made, to its end.

    It is the `InviteHandler` of its session, which `attach` names. Its engine is opened at
    once; nothing is heard or said before the peers' phones are off the hook.
    """

    TRANSPORT = Transport.SIP

    transport: SignalledTransport

    def __init__(
        self,
        call_id: str,
        *,
        session: RealtimeSession,
        negotiation: OfferAnswer,
        media: SipMedia,
        certificate: DtlsCertificate,
        encoder_policy: EncoderPolicy,
        environment: CallEnvironment,
        spend: SpendRequest | None = None,
        greeting: str | None = None,
    ) -> None:
        """`greeting`: instructions of a response that begins the call, once it stands."""
        super().__init__(call_id, session, environment, None, spend)
        self._negotiation = negotiation
        self._ways = media
        self._unix_time = environment.unix_time
        self._greeting = greeting
        self.on_agreed: Callable[[], None] | None = None
        """To be called whenever an offer was answered; `transport` is another one from the first
        time on."""
        self.on_failed: Callable[[CloseReason, tuple[bytes, ...]], None] | None = None
        """To be told the events with which the call ends that the other end did not take, or
        left without a word."""
        self._signaling: InviteSession | None = None
        self._talking = False
        self._agreed = False
        self._held = False
        self._spoke_freely = False
        self._transferred = False
        self._certificate = certificate
        self.transport = self._make_transport(_NOTHING_AGREED)
        self._media = self._make_media(
            _NOTHING_AGREED.format, encoder_policy, environment, pressed=self.dtmf
        )
        self._begin()
        # Nobody is to hear the client's events: there is nothing to be held back for it.
        self._act(self._conversation.channel_opened(self._clock()))

    def attach(self, signaling: InviteSession) -> None:
        """This is the call's session."""
        self._signaling = signaling

    def answer(self) -> None:
        """Take the peer's call. Raises OfferError: it was refused for its offer."""
        if self.closed is None and self._signaling is not None:
            self._signaling.accept()

    @contained
    def refer(self, target_uri: str) -> None:
        """Ask the peer to call there instead; the call ends once it does."""
        if self._signaling is not None:
            self._signaling.refer(target_uri)

    @property
    def agreed(self) -> AgreedMedia:
        """What the latest offer and answer came to."""
        return self._negotiation.agreed or _NOTHING_AGREED

    def receive_leased(self, datagram: bytes, client: Address, now: float) -> None:
        """Take what came at the port that was leased for this call."""
        self.receive(packet_kind(datagram), datagram, client, now)

    def release(self) -> None:
        self._signaling = None
        self.on_agreed = self.on_failed = None
        super().release()

    # ---- its signaling: InviteHandler ----------------------------------------

    def offered(self, sdp: str) -> str:
        return self._negotiated(lambda: self._negotiation.answer(sdp))

    def make_offer(self) -> str:
        return self._negotiated(self._negotiation.offer)

    def answered(self, sdp: str) -> None:
        self._negotiated(lambda: self._negotiation.accept(sdp))

    def ringing(self, status: int) -> None:
        """Who calls by the API is told when the call stands, and not before."""

    @contained
    def established(self) -> None:
        """From here on there is a conversation.

        Nothing is sent before: that our answer was acknowledged proves that who calls is where
        its signaling comes from, which over UDP anybody may claim.
        """
        if self._talking:
            return
        self._talking = True
        self._trace.ready()
        self._deadlines.await_client(self._clock())
        if self.agreed.codecs_open and self._signaling is not None:
            self._signaling.reinvite()
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            response = {"type": "response.create", "response": {"instructions": greeting}}
            self._client_event(msgspec.json.encode(response))

    @contained
    def dtmf(self, digit: str) -> None:
        self._deadlines.active(self._clock())
        self._act(self._conversation.key_pressed(digit, self._unix_time()))

    @contained
    def transferred(self, status: int) -> None:
        if status >= 300:
            why = f"The transfer failed: it was answered by SIP status {status}."
            self._act(self._conversation.failed("transfer_failed", why))
        self._transferred = 200 <= status < 300

    @contained
    def ended(self, ending: Ending) -> None:
        reason = _REASONS[ending.by]
        if self._transferred:
            reason = CloseReason.TRANSFERRED
        elif reason in (CloseReason.REFUSED, CloseReason.UNANSWERED):
            answer = f"SIP status {ending.status}" if ending.status else "nothing"
            self._failed(reason, f"The other end of the call answered {answer}.")
        self.close(reason)

    def _failed(self, reason: CloseReason, why: str) -> None:
        outputs = self._conversation.failed(f"call_{reason.value}", why)
        if self.on_failed is not None:
            sent = (each.event for each in outputs if isinstance(each, SendEvent))
            self.on_failed(reason, tuple(map(encode_server_event, sent)))
        self._act(outputs)

    def _negotiated(self, step: Callable[[], Result]) -> Result:
        """Take one step of the negotiation, and follow what is agreed. Raises OfferError."""
        if self.closed is not None:
            raise OfferError(OfferFault.TRANSPORT_CHANGED, "the call is over")
        try:
            before = self._negotiation.agreed
            result = step()
            if self._negotiation.agreed is not before:
                self._follow()
        except OfferError:
            raise
        except Exception as error:
            self.fail()
            raise OfferError(OfferFault.MALFORMED, "the call failed") from error
        return result

    def _follow(self) -> None:
        agreed = self._negotiation.agreed
        assert agreed is not None, "a step succeeded"
        if self._agreed:
            self.transport.follow(agreed, self._clock())
        else:
            self.transport = self._make_transport(agreed)
        self._agreed = True
        self._media.change_format(agreed.format)
        self._media.audible = not agreed.held
        self._held = agreed.held
        self._spoke_freely |= not agreed.held
        if self.on_agreed is not None:
            self.on_agreed()

    def _make_transport(self, agreed: AgreedMedia) -> SignalledTransport:
        return SignalledTransport(
            agreed,
            certificate=self._certificate,
            random_bytes=secrets.token_bytes,
            listener=self,
            send=self._ways.send,
            drops=self._counters.drops,
            rejections=self._counters.ice_rejections,
            now=self._clock(),
            latch=self._ways.latch,
        )

    # ---- its sound -----------------------------------------------------------

    def rtp_received(self, packet: bytes, now: float) -> None:
        # Who holds the call, having talked, plays music; who calls and rings, tones.
        if self._talking and not (self._held and self._spoke_freely):
            self._media.receive_rtp(packet, now)

    def _serve(self, due: float, now: float) -> None:
        if self._talking:
            super()._serve(due, now)
        elif now >= self._tend_at:
            self._wait(now)

    def _wait(self, now: float) -> None:
        """Do what time asks for while somebody rings; for how long, signaling knows."""
        self._tend_at = now + TEND_INTERVAL_S
        self._deadlines.active(now)
        self._engine.tick(now)
        if self.closed is None:
            self._act(self._conversation.tick(now))

    def _check_deadlines(self, now: float) -> None:
        if self._held:
            self._deadlines.active(now)
        super()._check_deadlines(now)

    # ---- its client, who hears no events -------------------------------------

    def _send_to_client(self, event: bytes) -> None:
        """A phone understands none; applications hear them by sidebands."""

    def _leave_client(self, reason: CloseReason) -> None:
        super()._leave_client(reason)
        self._ways.release()
        if self._signaling is not None:
            self._signaling.hang_up()

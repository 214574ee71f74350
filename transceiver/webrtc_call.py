"""A call over WebRTC: an RTP call with a data channel, by HTTP's offer and answer."""

import secrets
from collections.abc import Callable

from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.data_channel import ChannelEnd, DataChannel
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent, IceCredentials
from transceiver.media_transport import MediaTransport, SendDatagram
from transceiver.resumption.continuity import Continuity
from transceiver.rtp_call import RtpCall
from transceiver.sdp import AnswerParameters, Offer, build_answer
from transceiver.sdp.renegotiation import renegotiated
from transceiver.transport import Transport


class WebRtcCall(RtpCall):
    """Runs one call from its offer to its end."""

    TRANSPORT = Transport.WEBRTC

    def __init__(
        self,
        call_id: str,
        *,
        offer: Offer,
        session: RealtimeSession,
        ice: IceCredentials,
        certificate: DtlsCertificate,
        encoder_policy: EncoderPolicy,
        send: SendDatagram,
        environment: CallEnvironment,
        continuity: Continuity | None = None,
    ) -> None:
        super().__init__(call_id, session, environment, continuity)
        self._first_offer = self._offer = offer
        self._session_id = secrets.randbits(62)
        self._answers = 0
        self._certificate = certificate
        self._ice = IceAgent(
            ice,
            offer.ice,
            random_bytes=secrets.token_bytes,
            rejections=self._counters.ice_rejections,
        )
        self.transport = MediaTransport(
            self._ice,
            DtlsEndpoint(certificate, offer.fingerprints, client=offer.dtls_client),
            listener=self,
            send=send,
            drops=self._counters.drops,
            sources=offer.ssrcs,
        )
        self._data_channel = self._make_data_channel(offer)
        self._media = self._make_media(offer.format, encoder_policy, environment)
        self._media.audible = offer.direction.mirrored.sends
        self._begin()

    def answer(self, advertise: HostPort) -> str:
        """The SDP answer to the latest offer; its one candidate is the relay at `advertise`."""
        self._answers += 1
        return build_answer(
            self._offer,
            AnswerParameters(
                ice=self._ice.local,
                host=advertise.host,
                port=advertise.port,
                fingerprint=self._certificate.fingerprint,
                ssrc=self._media.ssrc,
                cname=self._media.cname,
                session_id=self._session_id,
                session_version=self._answers,
            ),
        )

    def renegotiate(self, offer: Offer, mint: Callable[[], IceCredentials]) -> None:
        """Follow another offer of the client, which `answer` then answers.

        Its ICE may restart, for which `mint` makes our credentials. Raises OfferError for an
        offer that cannot be followed; nothing has changed then.
        """
        self._offer = renegotiated(self._first_offer, offer)
        self._media.audible = offer.direction.mirrored.sends
        self._ice.negotiate(offer.ice, mint, self._clock())
        self.transport.name_sources(offer.ssrcs)

    def release(self) -> None:
        self._data_channel = None
        del self._ice
        super().release()

    # ---- the client's side: TransportListener and DataChannelListener ----

    def transport_connected(self, now: float) -> None:
        super().transport_connected(now)
        if self._data_channel is not None:
            self._data_channel.start()

    def data_received(self, record: bytes, _now: float) -> None:
        if self._data_channel is not None:
            self._data_channel.receive(record)

    @contained
    def channel_opened(self) -> None:
        self._act(self._conversation.channel_opened(self._clock()))
        self._trace.ready()
        self._repeat_missed()

    @contained
    def message_received(self, text: str) -> None:
        self._client_event(text)

    @contained
    def channel_closed(self, end: ChannelEnd) -> None:
        hung_up = end is ChannelEnd.PEER
        self.close(CloseReason.CLIENT_HANGUP if hung_up else CloseReason.CHANNEL_BROKEN)

    def _leave_client(self, reason: CloseReason) -> None:
        if self._data_channel is not None:
            self._data_channel.close()
        super()._leave_client(reason)

    # ---- what the conversation wants done ------------------------------------

    def _send_to_client(self, event: bytes) -> None:
        if self._data_channel is not None:
            self._data_channel.send(event.decode())

    def _make_data_channel(self, offer: Offer) -> DataChannel | None:
        if offer.data is None:
            return None
        return DataChannel(
            self,
            lambda packet: self.transport.send_data(packet, self._clock()),
            client=offer.dtls_client,
            remote_port=offer.sctp_port,
            max_message_bytes=offer.max_message_bytes,
        )

"""A worker's calls by SIP behind a real user agent, and phones that call it and are called.

Signaling goes over a network in memory, media by the worker's tunnel endpoint; only the engine
is a stand-in. Time passes by `run`.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from sipmessage import Request

from antiphon_proto import trunk
from antiphon_proto.address import Address
from antiphon_proto.realtime import RealtimeSession
from tests.transceiver.call_table_driver import RELAY, Session, Worker
from tests.transceiver.sip.agents import Agent, Handler, Network
from transceiver.audio.format import Codec
from transceiver.dtls import DtlsCertificate
from transceiver.ice import IceCredentials
from transceiver.sdp.agreed_media import AgreedMedia
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.own_offers import LocalMedia, OfferedMedia
from transceiver.signaling.api_keys import ApiKey
from transceiver.signaling.calls import WantedCall
from transceiver.sip.access import SipAccess
from transceiver.sip.application import Reply
from transceiver.sip.flow import Flow
from transceiver.sip.invite_session import InviteHandler, InviteSession
from transceiver.sip.next_hop import NextHop
from transceiver.sip.registrations import Binding
from transceiver.sip.sip_config import SipConfig
from transceiver.sip.user_agent import UserAgent

SERVER, PHONE = "192.0.2.1", "192.0.2.9"
MEDIA: Address = (PHONE, 4000)
"""Where a phone has its media, as it says."""
STEP_S, LONG_STEP_S = 0.01, 0.1
KEY = ApiKey(bytes(32))

TRUNK = f"""
[[trunks]]
name = "trunk"
networks = ["{PHONE}/32"]
uri = "sip:{PHONE}"
caller-id = "+15550100"
"""


class Phone(Handler):
    """One end of a call, with a voice."""

    def __init__(
        self, name: str, address: Address = MEDIA, offered: OfferedMedia | None = None
    ) -> None:
        super().__init__(name)
        certificate = DtlsCertificate()
        self.negotiation = OfferAnswer(
            LocalMedia(
                address=address,
                fingerprint=certificate.fingerprint,
                mint=lambda: IceCredentials("ufrg", "p" * 24),
                random_bytes=lambda size: bytes(range(size)),
            ),
            offered or OfferedMedia(codecs=(Codec.PCMU,)),
        )
        self._sequence = 0

    @property
    def agreed(self) -> AgreedMedia:
        assert self.negotiation.agreed is not None
        return self.negotiation.agreed

    def offered(self, sdp: str) -> str:
        super().offered(sdp)
        return self.negotiation.answer(sdp)

    def make_offer(self) -> str:
        self.offers += 1
        return self.negotiation.offer()

    def answered(self, sdp: str) -> None:
        super().answered(sdp)
        self.negotiation.accept(sdp)

    def voice(self, payload: bytes = b"\x55" * 160, payload_type: int | None = None) -> bytes:
        """The next packet of its stream."""
        self._sequence += 1
        kind = self.agreed.format.payload_type if payload_type is None else payload_type
        head = struct.pack(">BBHII", 0x80, kind, self._sequence, self._sequence * 160, 77)
        return head + payload


class _Server(Agent):
    """The worker's user agent."""

    worker: Worker

    def invited(
        self, request: Request, caller: Any, flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        self.requests.append(request)
        return self.worker.sip.invited(request, caller, flow, session)


class Exchange:
    """A worker that takes calls, and phones in its network."""

    def __init__(self, config: str = TRUNK, **worker: Any) -> None:
        self.worker = Worker(**worker)
        self.worker.access.become(SipAccess(SipConfig.parse(config)))
        self.network = Network()
        self.phones = self.network.agent("phone", PHONE)
        self.server = _server(self.network)
        self.server.worker = self.worker
        self.bindings: dict[str, list[Binding]] = {}
        self.worker.factory.outgoing.begin(
            self.server.sip, lambda user, _now: self.bindings.get(user, []), _hop, SERVER
        )

    async def run(self, seconds: float = 0.2) -> None:
        """Let time pass for all."""
        step_s = STEP_S if seconds <= 1 else LONG_STEP_S
        for _ in range(round(seconds / step_s)):
            self.network.run(step_s)
            for _ in range(4):
                await asyncio.sleep(0)
            self.worker.now += step_s
            self.worker.serve()
            self.worker.sip.tick()

    async def call(self, phone: Phone | None = None) -> Phone:
        """Somebody calls; it rings, unless the dial plan says otherwise."""
        phone = phone or Phone("caller")
        self.phones.call(self.server.address, handler=phone)
        await self.run()
        return phone

    @property
    def announced(self) -> str:
        """The id of the call that the application was told of last."""
        call_id: str = self.worker.webhooks[-1]["data"]["call_id"]
        return call_id

    async def accept(self, session: RealtimeSession | None = None) -> str:
        """Take the call that rings; its id."""
        call_id = self.announced
        await self.worker.factory.accept(call_id, session or RealtimeSession())
        self.engine_ready()
        await self.run()
        return call_id

    async def place(self, phone: Phone | None = None, **wanted: Any) -> tuple[str, Phone]:
        """Call a phone, which is answered as `phones.answer` says; the id, and its end."""
        phone = phone or Phone("callee")
        self.phones.invited = _takes(self, phone)  # type: ignore[method-assign]
        wish = WantedCall(**{"to": "+15550199", **wanted})
        ended = self.ended.append
        call_id = await self.worker.factory.place_call(
            wish, RealtimeSession(), KEY, lambda: ended(None)
        )
        self.engine_ready()
        await self.run()
        return call_id, phone

    @property
    def ended(self) -> list[None]:
        """Calls that were placed, and are over."""
        self.__dict__.setdefault("_ended", [])
        ended: list[None] = self.__dict__["_ended"]
        return ended

    def engine_ready(self) -> None:
        listener, _session = self.worker.inference.opened[-1]
        listener.engine_event(trunk.Ready("echo", 8_000, 8_000, True))

    @property
    def engine(self) -> Session:
        """Of the latest call."""
        return self.worker.inference.opened[-1][1]

    def engine_says(self, event: trunk.Event) -> None:
        self.worker.inference.opened[-1][0].engine_event(event)

    def speak(self, phone: Phone, client: Address = MEDIA) -> None:
        """20 ms of the phone's voice."""
        self.worker.receive(phone.voice(), client, RELAY)

    def rtp_to(self, client: Address = MEDIA) -> list[bytes]:
        """What went there since the last time."""
        sent = self.worker.take_sent()
        return [data for data, to in sent if to == client and data[1] & 0x7F < 64]

    def heard_at(self, client: Address = MEDIA) -> list[bytes]:
        """The agent's voice among it: comfort noise (payload type 13) left out."""
        return [packet for packet in self.rtp_to(client) if packet[1] & 0x7F != 13]


def _server(network: Network) -> _Server:
    address = SERVER, 5060
    server = _Server("agent", address, network.clock, lambda *sent: network._send(address, *sent))
    network._agents[address] = server
    return server


def _takes(
    exchange: Exchange, phone: Phone
) -> Callable[[Request, Any, Flow, InviteSession], InviteHandler | Reply]:
    def invited(
        request: Request, _caller: Any, _flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        exchange.phones.requests.append(request)
        if exchange.phones.refusal:
            return exchange.phones.refusal
        phone.session = session
        exchange.network.clock.after(0, lambda: exchange.phones.answer(session))
        return phone

    return invited


async def _hop(uri: Any) -> NextHop:
    return NextHop.of(uri)


__all__ = ["MEDIA", "Exchange", "Phone", "UserAgent"]

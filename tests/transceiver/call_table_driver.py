"""A call table with everything real but the sockets, the clock and the replica; and a client.

The client is as far from the server's code as STUN, DTLS and SRTP allow; it owns no
socket either, so that tests say which address each of its datagrams comes from.
"""

import asyncio
import itertools
import json
import struct
from collections.abc import Collection, Coroutine
from pathlib import Path
from typing import Any

from aiortc import sdp
from prometheus_client import CollectorRegistry

from antiphon_proto import stun, trunk
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.stun import StunClass
from antiphon_proto.tunnel import Frame
from antiphon_proto.tunnel_control import Bind, Unbind, UnbindReason
from chassis.host_port import HostPort
from transceiver.admission import Admission
from transceiver.announcer import Announcer
from transceiver.audio.encoder_policy import EncoderPolicy, OpusChoice
from transceiver.call_environment import CallEnvironment
from transceiver.config import TransceiverConfig
from transceiver.counters import CallCounters
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.engine_leg import EngineListener
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.leased_ports import LeasedPorts
from transceiver.load_meter import LoadMeter, ThreadTime
from transceiver.metrics import TurnLatency
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.sdp import parse_offer
from transceiver.signaling.calls import CreatedCall
from transceiver.signaling.key_usage import KeyUsage
from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.srtp import SrtpReceiver, SrtpSender
from transceiver.webrtc_call import WebRtcCall
from transceiver.worker_calls import WorkerCalls

OFFER = (Path(__file__).parents[1] / "vectors/offer_chromium156_audio_dc.sdp").read_text()
KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
WORKER: Address = ("10.0.0.5", 4000)
RELAY: Address = ("10.0.0.9", 5000)
CLIENT: Address = ("192.0.2.7", 1234)
ROAMED: Address = ("192.0.2.7", 5678)
STRANGER: Address = ("198.51.100.66", 99)
REPLICA = HostPort("127.0.0.1", 1)
INCARNATION = 7
UNIX_TIME = 1_800_000_000.0


SSRC = 1950275441
"""Of the offer."""


class Endpoint:
    address = WORKER

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address, Address]] = []
        self.leased: list[tuple[Frame, Address]] = []
        """Sent from leased ports."""
        self.leases = LeasedPorts(
            new_id=itertools.count(1).__next__,
            answering=lambda: [RELAY],
            send=lambda frame, relay: self.leased.append((frame, relay)),
        )

    def send(self, payload: bytes, client: Address, relay: Address) -> None:
        self.sent.append((payload, client, relay))

    def relay_for(self, _client: Address) -> Address:
        return RELAY


class Session:
    replica = REPLICA

    def __init__(self, answer: trunk.Ready | trunk.Error | None) -> None:
        self.commands: list[trunk.Command] = []
        self.closed: str | None = None
        self._answer = answer

    async def opened(self) -> trunk.Ready | trunk.Error:
        return self._answer or await asyncio.get_running_loop().create_future()

    def push_audio(self, position: int, pcm: bytes) -> None: ...

    def command(self, command: trunk.Command) -> None:
        self.commands.append(command)

    def close(self, reason: str) -> None:
        self.closed = reason


class Inference:
    connected = True

    def __init__(self) -> None:
        self.opened: list[tuple[EngineListener, Session]] = []
        self.answer: trunk.Ready | trunk.Error | None = trunk.Ready("echo", 24_000, 24_000, True)
        """To each Open; None: it never comes."""
        self.takes_sessions = True

    @property
    def calls(self) -> list[WebRtcCall]:
        """Whose sessions they are."""
        return [listener.link.host for listener, _session in self.opened]

    def open(self, listener: EngineListener, but: Collection[HostPort] = ()) -> Session | None:
        if REPLICA in but or not self.takes_sessions:
            return None
        session = Session(self.answer)
        self.opened.append((listener, session))
        return session

    def succeeded(self, address: HostPort) -> None: ...

    def failed(self, address: HostPort) -> None: ...

    def draining(self, address: HostPort) -> bool:
        return False


class Worker:
    """A call table and all that it leans on."""

    def __init__(
        self, max_calls: int = 8, max_idle_seconds: int = 0, max_load: float = 1.0
    ) -> None:
        self.now = 100.0
        self.endpoint = Endpoint()
        self.inference = Inference()
        self.announcer = Announcer(INCARNATION, self.now)
        self.counters = CallCounters()
        self.admission = Admission(
            LoadMeter(self.now, ThreadTime(0.0, 0.0)),
            self.counters.refused,
            max_load=max_load,
            max_calls=max_calls,
            engine_connected=lambda: self.inference.connected,
        )
        self.environment = CallEnvironment(
            replicas=self.inference,
            counters=self.counters,
            turn_latency=TurnLatency(CollectorRegistry()),
            clock=lambda: self.now,
            unix_time=lambda: UNIX_TIME,
            max_seconds=60,
            max_idle_seconds=max_idle_seconds,
        )
        self.access = CurrentAccess(SipAccess())
        self.webhooks: list[dict[str, Any]] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.factory = WorkerCalls(
            TransceiverConfig(
                advertise=HostPort("203.0.113.1", 3478),
                inference=ReplicaAddresses((REPLICA,)),
                cluster_keys="",
                api_keys="",
                max_call_seconds=60,
            ),
            KEYS,
            incarnation=INCARNATION,
            endpoint=self.endpoint,
            announcer=self.announcer,
            environment=self.environment,
            admission=self.admission,
            encoder_policy=EncoderPolicy(OpusChoice.AUTO, lambda: 0.0),
            usage=KeyUsage(lambda: self.now, refused=self.counters.keys_refused),
            access=self.access,
            webhook=lambda _id, body: self.webhooks.append(json.loads(body)),
            spawn=self.spawn,
            flush=lambda: None,
        )
        self.calls = self.factory.table
        self.webrtc = self.factory.webrtc
        self.sip = self.factory.sip

    def spawn(self, step: Coroutine[None, None, None]) -> None:
        """Run it beside the test."""
        task = asyncio.get_running_loop().create_task(step)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def call(self, offer: str = OFFER) -> CreatedCall:
        return await self.webrtc.create_call(offer, RealtimeSession())

    def receive(self, datagram: bytes, client: Address = CLIENT, relay: Address = RELAY) -> None:
        self.calls.receive(datagram, client, relay, self.now)

    def take_sent(self) -> list[tuple[bytes, Address]]:
        """What was sent since the last time, and to which client address."""
        taken, self.endpoint.sent = self.endpoint.sent, []
        return [(payload, client) for payload, client, _relay in taken]

    def tick(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self.now += 0.01
            self.serve()

    def serve(self) -> None:
        """Serve what is due."""
        while self.calls.due_at <= self.now:
            self.calls.serve(self.now)

    def announced(self) -> list[tuple[Address, bool | UnbindReason]]:
        """What relays were told since the last time: confirmed or not, or why unbound."""
        return [(frame.client, announcement(frame)) for frame in self.announcer.changes()]

    def sent_kinds(self) -> list[PacketKind]:
        return [packet_kind(payload) for payload, _client, _relay in self.endpoint.sent]


def spoiled(packet: bytes) -> bytes:
    """A packet that nobody authentic sent: its last byte is another one."""
    return packet[:-1] + bytes([packet[-1] ^ 1])


def announcement(frame: Frame) -> bool | UnbindReason:
    if frame.type is Bind.TYPE:
        return Bind.decode(frame.payload).confirmed
    return Unbind.decode(frame.payload).reason


class Client:
    """A WebRTC client as the DTLS server, which a browser is to us."""

    def __init__(
        self, worker: Worker, *, ssrc: int = SSRC, certificate: DtlsCertificate | None = None
    ) -> None:
        self.worker = worker
        self.ssrc = ssrc
        self.heard: list[bytes] = []
        """The server's SRTP."""
        certificate = certificate or DtlsCertificate()
        theirs = parse_offer(OFFER).fingerprints[0]
        self.offer = OFFER.replace(str(theirs), str(certificate.fingerprint))
        self.offer = self.offer.replace(str(SSRC), str(ssrc))
        self._certificate = certificate
        self.credentials = parse_offer(OFFER).ice
        self._restarts = 0
        self._checks = 0
        self._sequence = 0

    async def call(self) -> None:
        """Have the offer answered, and the engine ready."""
        created = await self.worker.call(self.offer)
        self.call_id, answer = created.call_id, created.answer_sdp
        listener, _session = self.worker.inference.opened[-1]
        listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
        media = sdp.SessionDescription.parse(answer).media[0]
        self.server = IceCredentials(media.ice.usernameFragment, media.ice.password)
        [fingerprint] = media.dtls.fingerprints
        self.dtls = DtlsEndpoint(
            self._certificate,
            [Fingerprint.parse(fingerprint.algorithm, fingerprint.value)],
            client=False,
        )

    def offer_anew(self, *, restart: bool = False, direction: str = "sendrecv") -> str:
        """Have a later offer of this client answered."""
        offer = self.offer.replace("a=sendrecv", f"a={direction}")
        if restart:
            old, self._restarts = self.credentials, self._restarts + 1
            self.credentials = IceCredentials(f"rest{self._restarts}", f"{self._restarts:024}")
            self.offer = self.offer.replace(old.ufrag, self.credentials.ufrag)
            self.offer = self.offer.replace(old.password, self.credentials.password)
            offer = self.offer
        answer = self.worker.webrtc.renegotiate(self.call_id, offer)
        ice = sdp.SessionDescription.parse(answer).media[0].ice
        self.server = IceCredentials(ice.usernameFragment, ice.password)
        return answer

    async def connect(self, address: Address = CLIENT) -> None:
        """Be in a call, with keys, from this address."""
        await self.call()
        self.worker.receive(self.check(), address)
        self.deliver({address})
        assert self.dtls.srtp_keys is not None
        self.sender = SrtpSender(self.dtls.srtp_keys)
        self.receiver = SrtpReceiver(self.dtls.srtp_keys)

    def deliver(self, reachable: set[Address]) -> list[Address]:
        """Answer from each address what comes there until nothing does; where all of it went."""
        went = []
        while sent := self.worker.take_sent():
            for datagram, address in sent:
                went.append(address)
                if address in reachable:
                    for reply in self._answers(datagram):
                        self.worker.receive(reply, address)
        return went

    def check(self, *, use_candidate: bool = True) -> bytes:
        self._checks += 1
        return stun.binding_request(
            self._checks.to_bytes(12, "big"),
            username=f"{self.server.ufrag}:{self.credentials.ufrag}".encode(),
            password=self.server.password.encode(),
            priority=1,
            tie_breaker=2,
            controlling=True,
            use_candidate=use_candidate,
        )

    def media(self, size: int = 80) -> bytes:
        """The next packet of its stream."""
        self._sequence += 1
        head = struct.pack(">BBHII", 0x80, 111, self._sequence, self._sequence * 960, self.ssrc)
        return self.sender.protect(head + bytes(size))

    def report(self) -> bytes:
        """A receiver report with one block, about nobody's media."""
        return self.sender.protect_rtcp(struct.pack(">BBHI24x", 0x81, 201, 7, self.ssrc))

    def answer(self, request: stun.StunMessage) -> bytes:
        return stun.binding_success(
            request.transaction_id,
            mapped=("203.0.113.1", 3478),
            password=self.credentials.password.encode(),
        )

    def _answers(self, datagram: bytes) -> list[bytes]:
        match packet_kind(datagram):
            case PacketKind.STUN:
                message = stun.parse(datagram)
                asked = message.message_class is StunClass.REQUEST
                return [self.answer(message)] if asked else []
            case PacketKind.DTLS:
                self.dtls.receive(datagram)
                return self.dtls.take_datagrams()
            case PacketKind.RTP:
                self.heard.append(self.receiver.unprotect(datagram))
        return []

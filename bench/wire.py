"""What the codecs cost a packet: `python -m bench.wire` prints microseconds a call.

Each figure is the fastest of several runs, on one core, for IPv4.
"""

import itertools
import timeit
from collections.abc import Callable

from antiphon_proto import stun
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import packet_kind
from antiphon_proto.tunnel import (
    Frame,
    FrameType,
    TunnelReceiver,
    TunnelSender,
    port_payload,
)
from antiphon_proto.tunnel_control import Lease
from antiphon_proto.ufrag import EPOCH, Owner, UfragMinter, UfragReader
from bench.figures import publish
from relay.failure_limiter import FailureLimiter
from relay.flow_table import FlowTable
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.port_leases import PortLeases
from relay.router import Router
from transceiver.rtp.header_extensions import audio_level
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reports import RtcpSession
from transceiver.rtp.rtcp import Report, ReportBlock, encode_report
from transceiver.rtp.sender import RtpSender
from transceiver.rtp.transport_feedback import TransportFeedback

CALLS = 20_000
RUNS = 7

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
READER = UfragReader(KEYS)
OWNER = Owner("10.1.2.3", 40001, 0, 3, EPOCH + 3600)
SHORT_UFRAG = UfragMinter(KEYS).mint_short(OWNER, bytes(6)).encode()
UFRAG = UfragMinter(KEYS).mint(OWNER, bytes(6)).encode()
PASSWORD = READER.password(UFRAG)
CHECK = stun.binding_request(
    bytes(12),
    username=UFRAG + b":abcd",
    password=PASSWORD,
    priority=1845501695,
    tie_breaker=5,
    controlling=True,
)
MESSAGE = stun.parse(CHECK)
CLIENT = ("203.0.113.9", 50000)
PACKET = b"\x80\x78" + bytes(118)
SENDER = TunnelSender(KEYS, 1, (OWNER.address, OWNER.port))
RECEIVER = TunnelReceiver(KEYS, (OWNER.address, OWNER.port))
DATAGRAM = SENDER.encode_data(CLIENT, PACKET)
PHONE_PORT = 40_000
PHONE_FRAME = Frame(FrameType.PORT_DATA, CLIENT, port_payload(PHONE_PORT, PACKET))
PHONE_DATAGRAM = SENDER.encode([PHONE_FRAME])

FRAME = bytes(80)
"""Of Opus, 20 ms at 32 kbit/s."""


def rtp_sender(redundancy: int) -> RtpSender:
    sender = RtpSender(payload_type=111, ssrc=1, sequence=0, timestamp=0, red_payload_type=63)
    sender.redundancy = redundancy
    return sender


PLAIN, REDUNDANT = rtp_sender(0), rtp_sender(1)
VOICE = RtpPacket(111, 1, 960, 2, FRAME)
EXTENSION = bytes.fromhex("bede0002 10a2 310042 000000")
"""Audio level in 1, transport sequence in 3: https://www.rfc-editor.org/rfc/rfc8285"""
EXTENDED = VOICE._replace(extension=EXTENSION)
HEARD = EXTENDED.encode()
FEEDBACK = TransportFeedback(1, 3)
NUMBERS, TIMES = itertools.cycle(range(1 << 16)), itertools.count(0, 0.02)
RTCP = RtcpSession(PLAIN, cname="antiphon", epoch_s=4e9, random=lambda: 0.5)
REPORT = encode_report(Report(2, None, [ReportBlock(1, 0, 0, 1, 0, 0, 0)]))


def phone_router() -> Router:
    """A relay worker's, with one phone port, which `CLIENT`'s call has leased."""
    leases = PortLeases([PHONE_PORT])
    owner = (OWNER.address, OWNER.port)
    leases.ask(owner, 1, Lease(1, 65_535, 0, (CLIENT,)), 0.0, open_new=True)
    return Router(
        KEYS,
        cluster_id=0,
        owners=PRIVATE_OWNERS,
        flows=FlowTable(max_flows=1),
        limiter=FailureLimiter(),
        families=frozenset({4}),
        tunnel=owner,
        siblings=(),
        epoch=1,
        leases=leases,
    )


PHONE_ROUTER = phone_router()
PHONE_TIMES = itertools.count(0, 0.02)


def route_check() -> bool:
    """All that a relay must do before it may believe a client's first packet."""
    message = stun.parse(CHECK)
    ufrag = message.local_ufrag or b""
    READER.read(ufrag, EPOCH)
    return message.verify(READER.password(ufrag))


def feed_back() -> None:
    """On one packet, with its part of what is sent each 200 ms."""
    number, now = next(NUMBERS), next(TIMES)
    extension = EXTENSION[:7] + number.to_bytes(2, "big") + bytes(3)
    FEEDBACK.receive(EXTENDED._replace(extension=extension), now)
    FEEDBACK.due(now)


STEPS: dict[str, Callable[[], object]] = {
    "demultiplex a packet": lambda: packet_kind(PACKET),
    "parse a STUN check": lambda: stun.parse(CHECK),
    "read its ufrag": lambda: READER.read(UFRAG, EPOCH),
    "derive its password": lambda: READER.password(UFRAG),
    "verify its integrity": lambda: MESSAGE.verify(PASSWORD),
    "all of the last four": route_check,
    "read a ufrag of 16 characters": lambda: READER.read(SHORT_UFRAG, EPOCH),
    "write a tunnel datagram": lambda: SENDER.encode_data(CLIENT, PACKET),
    "read a tunnel datagram": lambda: RECEIVER.decode(DATAGRAM),
    "take a packet from a phone port": lambda: PHONE_ROUTER.from_phone(
        PACKET, PHONE_PORT, CLIENT, next(PHONE_TIMES)
    ),
    "send one from a phone port": lambda: PHONE_ROUTER.from_tunnel(
        PHONE_DATAGRAM, (OWNER.address, OWNER.port), 0.0
    ),
    "write an RTP packet": lambda: PLAIN.send(FRAME),
    "write one that repeats a frame": lambda: REDUNDANT.send(FRAME),
    "read an RTP packet with extensions": lambda: RtpPacket.parse(HEARD),
    "read its audio level": lambda: audio_level(EXTENSION, 1),
    "give feedback on its arrival": feed_back,
    "count an RTP packet that came": lambda: RTCP.receive_rtp(VOICE, 1.0),
    "read a receiver report": lambda: RTCP.receive(REPORT, 1.0),
}


def microseconds(step: Callable[[], object]) -> float:
    return min(timeit.repeat(step, number=CALLS, repeat=RUNS)) / CALLS * 1e6


if __name__ == "__main__":
    publish("wire", {name: round(microseconds(step), 2) for name, step in STEPS.items()})

"""The relay's router: it survives anything, and what it forwards is what it got."""

import hashlib

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import packet_kind
from antiphon_proto.stun import binding_request
from antiphon_proto.tunnel import (
    HEADER_BYTES,
    Frame,
    FrameType,
    TunnelReceiver,
    TunnelSender,
    port_payload,
)
from antiphon_proto.tunnel_control import (
    Bind,
    Hello,
    Lease,
    Release,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
)
from antiphon_proto.ufrag import EPOCH, RANDOM_BYTES, Owner, UfragMinter, UfragReader
from relay.drop_reason import DropReason
from relay.failure_limiter import FailureLimiter
from relay.flow_table import FlowTable
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.port_leases import PortLeases
from relay.router import Router
from relay.verdicts import Answer, Delivery, Forward, PortDelivery

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
MAC_KEY = KEYS.derive("tunnel mac")
TUNNEL: Address = ("10.0.1.1", 4001)
OWNER: Address = ("10.0.0.1", 4000)
CLIENT: Address = ("203.0.113.9", 50000)
STRANGER: Address = ("203.0.113.10", 50000)
SSRC = 0x01020304
RTP = b"\x80\x6f" + bytes(6) + SSRC.to_bytes(4, "big") + b"speech"
UFRAG = UfragMinter(KEYS).mint(Owner(*OWNER, 0, 0, EPOCH + 3600), bytes(RANDOM_BYTES)).encode()
CHECK = binding_request(
    bytes(12),
    username=UFRAG + b":peer",
    password=UfragReader(KEYS).password(UFRAG),
    priority=1,
    tie_breaker=2,
    controlling=True,
)
PORT = 40_000
LEASE = control_frame(Lease(5, 30, 0, (CLIENT, ("0.0.0.0", 0))))
SENDER = TunnelSender(KEYS, 7, TUNNEL)
SEEDS = [
    CHECK,
    RTP,
    SENDER.encode_data(CLIENT, RTP),
    SENDER.encode(
        [
            control_frame(Reset(1)),
            control_frame(Bind(30, True, (SSRC,)), CLIENT),
            Frame(FrameType.DATA, CLIENT, RTP),
            control_frame(Hello(9, (OWNER,))),
            control_frame(Unbind(UnbindReason.CLOSED), CLIENT),
            LEASE,
        ]
    ),
    SENDER.encode([LEASE, control_frame(Release(5)), LEASE]),
    SENDER.encode([Frame(FrameType.PORT_DATA, CLIENT, port_payload(PORT, RTP))]),
]
DATA_HEADER, CONTROL_HEADER = (seed[:HEADER_BYTES] for seed in SEEDS[2:4])


def one_input(data: bytes) -> None:
    router = Router(
        KEYS,
        cluster_id=0,
        owners=PRIVATE_OWNERS,
        flows=FlowTable(max_flows=2),
        limiter=FailureLimiter(),
        families=frozenset({4}),
        tunnel=TUNNEL,
        siblings=(),
        epoch=1,
        leases=PortLeases([PORT]),
    )
    _from_client(router, data, STRANGER)
    _from_owner(router, SEEDS[3][:-24] + (1 << 40).to_bytes(8, "big"))
    _from_client(router, data, CLIENT)
    _from_phone(router, data)
    _from_owner(router, data, forged=True)
    _from_owner(router, DATA_HEADER + data[HEADER_BYTES:])
    _from_owner(router, CONTROL_HEADER + data[HEADER_BYTES:] + (1 << 41).to_bytes(8, "big"))


def _from_client(router: Router, datagram: bytes, client: Address) -> None:
    verdict = router.from_client(datagram, client, 0.0, EPOCH)
    if isinstance(verdict, Forward):
        _epoch, [frame] = TunnelReceiver(KEYS, verdict.owner).decode(verdict.datagram)
        assert frame == Frame(FrameType.DATA, client, datagram)
        assert verdict.kind is packet_kind(datagram)
        assert verdict.owner == OWNER


def _from_phone(router: Router, datagram: bytes) -> None:
    verdict = router.from_phone(datagram, PORT, STRANGER, 0.0)
    if isinstance(verdict, Forward):
        _epoch, [frame] = TunnelReceiver(KEYS, verdict.owner).decode(verdict.datagram)
        assert frame == Frame(FrameType.PORT_DATA, STRANGER, port_payload(PORT, datagram))
        assert verdict.owner == OWNER


def _from_owner(router: Router, datagram: bytes, *, forged: bool = False) -> None:
    """A control datagram comes without its MAC unless it is `forged`."""
    if not forged and datagram[:HEADER_BYTES] == CONTROL_HEADER:
        datagram += hashlib.blake2b(datagram, key=MAC_KEY, digest_size=16).digest()
    for verdict in router.from_tunnel(datagram, OWNER, 0.0):
        assert isinstance(verdict, Delivery | PortDelivery | Answer | DropReason)
        if isinstance(verdict, Delivery | PortDelivery):
            assert verdict.payload in datagram
        if isinstance(verdict, Delivery):
            assert ":" not in verdict.client[0]
        if isinstance(verdict, PortDelivery):
            assert verdict.port == PORT

"""Plain integers that the packet path increments; `metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field

from antiphon_proto.tunnel import TunnelFault
from transceiver.announcer import Occasion
from transceiver.audio.counts import AudioCounts
from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.close_reason import CloseReason
from transceiver.drop_reason import DropReason
from transceiver.duration_histogram import DurationHistogram
from transceiver.hand_off import HandOffCounters
from transceiver.ice import IceRejection
from transceiver.signaling.calls import RefusalReason
from transceiver.signaling.key_refusal import KeyRefusal
from transceiver.sip_calls.ring_end import RingEnd
from transceiver.transport import Transport

LATENESS_BOUNDS_S = (
    *(0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005),
    *(0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5),
)
"""Fine about the few milliseconds that a listener's jitter buffer must not notice."""


@dataclass(slots=True)
class TunnelCounters:
    """What this worker and the relays exchange; packets are clients'."""

    received: int = 0
    received_datagrams: int = 0
    sent: int = 0
    sent_datagrams: int = 0
    send_failures: int = 0
    announced: Counter[Occasion] = field(default_factory=Counter)
    faults: Counter[TunnelFault] = field(default_factory=Counter)


@dataclass(slots=True)
class CallCounters:
    """Calls and what their clients sent."""

    open: Counter[Transport] = field(default_factory=Counter)
    opened: int = 0
    refused: Counter[RefusalReason] = field(default_factory=Counter)
    keys_refused: Counter[KeyRefusal] = field(default_factory=Counter)
    closed: Counter[CloseReason] = field(default_factory=Counter)
    rang: Counter[RingEnd] = field(default_factory=Counter)
    """Calls by SIP that came in."""
    drops: Counter[DropReason] = field(default_factory=Counter)
    ice_rejections: Counter[IceRejection] = field(default_factory=Counter)
    frames_in: int = 0
    frames_out: int = 0
    skipped_frames: int = 0
    frame_lateness: DurationHistogram = field(
        default_factory=lambda: DurationHistogram(LATENESS_BOUNDS_S)
    )
    """From a frame's due time to when it has left for its relay."""
    hand_offs: HandOffCounters = field(default_factory=HandOffCounters)
    audio: AudioCounts = field(default_factory=AudioCounts)
    downlink: DownlinkCounts = field(default_factory=DownlinkCounts)


@dataclass(slots=True)
class TrunkCounters:
    """Traffic with the inference replica."""

    messages_sent: int = 0
    messages_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0
    frames_shed: int = 0
    reconnects: int = 0
    arrival_to_engine: DurationHistogram = field(
        default_factory=lambda: DurationHistogram(LATENESS_BOUNDS_S)
    )
    """From the arrival of a frame's datagram at the kernel to its writing on the trunk."""

"""Plain integers that the packet path increments; `metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field

from antiphon_proto.tunnel import TunnelFault
from transceiver.announcer import Occasion
from transceiver.audio.counts import AudioCounts
from transceiver.close_reason import CloseReason
from transceiver.drop_reason import DropReason
from transceiver.ice import IceRejection


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

    opened: int = 0
    refused: int = 0
    closed: Counter[CloseReason] = field(default_factory=Counter)
    drops: Counter[DropReason] = field(default_factory=Counter)
    ice_rejections: Counter[IceRejection] = field(default_factory=Counter)
    frames_in: int = 0
    frames_out: int = 0
    late_ticks: int = 0
    audio: AudioCounts = field(default_factory=AudioCounts)


@dataclass(slots=True)
class TrunkCounters:
    """Traffic with the inference replica."""

    messages_sent: int = 0
    messages_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0
    frames_shed: int = 0
    reconnects: int = 0

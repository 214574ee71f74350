"""A worker's SIP joined to its calls."""

import asyncio
import time

from prometheus_client import CollectorRegistry

from transceiver.config import TransceiverConfig
from transceiver.sip.access import CurrentAccess
from transceiver.sip.flow import SipTransport
from transceiver.sip_calls.application import SipApplication
from transceiver.sip_calls.incoming_calls import IncomingCalls
from transceiver.sockets import TransceiverSockets
from transceiver.tls import TlsListener
from transceiver.worker_calls import WorkerCalls
from transceiver.worker_lives import WorkerLife
from transceiver.worker_sip import WorkerSip

RING_TICK_S = 1.0
"""Resolution of how long a call rings."""


def worker_sip(
    config: TransceiverConfig,
    sockets: TransceiverSockets,
    index: int,
    life: WorkerLife,
    access: CurrentAccess,
    tls: TlsListener | None,
    calls: WorkerCalls,
    registry: CollectorRegistry,
) -> WorkerSip | None:
    """To be run, where SIP is served."""
    if not config.serves_sip:
        return None
    sip = WorkerSip(config, sockets, index, life.keys, access, tls)
    registrar = sip.access.registrar
    agent = sip.begin(SipApplication(calls.sip, registrar, time.monotonic))
    host = sip.advertised.sent_by(SipTransport.UDP).host
    calls.outgoing.begin(agent, registrar.lookup, sip.chosen_hop, host)
    sip.register(registry, agent)
    return sip


async def tend_ringing(calls: IncomingCalls) -> None:
    """Give up on calls that nobody takes, for ever."""
    while True:
        calls.tick()
        await asyncio.sleep(RING_TICK_S)

"""Random loss of clients' packets, each of which repeats the frame before its own (RFC 2198)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench.measured_process import ProcessFailedError
from bench.transceiver.contender import Contender
from bench.transceiver.generator import Generator
from bench.transceiver.load_client import Habits
from bench.transceiver.load_run import SETTLE_SECONDS

RECOVERED = "antiphon_transceiver_audio_redundant_packets_total"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the frames that were lost."""

    lost: int
    recovered: float
    """Those that the transceiver counts as received along with a later packet."""
    recoverable: int
    """Those whose next packet arrived, by what the clients know."""


async def run_with_losses(
    contender: Contender, speech: Sequence[bytes], calls: int, seconds: float, lost_share: float
) -> Recovery:
    """Speak for that long, losing that share of the packets. Raises ProcessFailedError."""
    generator = Generator(contender.service, Habits(speech, red=True), lost_share=lost_share)
    try:
        await generator.place(calls)
        if not all(client.speaks_redundantly for client in generator.clients):
            raise ProcessFailedError("does not ask for redundant audio")
        before = await asyncio.to_thread(contender.metrics)
        generator.start()
        await asyncio.sleep(seconds)
        await generator.stop()
        await asyncio.sleep(SETTLE_SECONDS)
        after = await asyncio.to_thread(contender.metrics)
    finally:
        await generator.close()
    clients = generator.clients
    return Recovery(
        lost=sum(len(client.left_out) for client in clients),
        recovered=after[RECOVERED] - before[RECOVERED],
        recoverable=sum(recoverable(client.left_out, client.sent) for client in clients),
    )


def recoverable(lost: Sequence[int], sent: int) -> int:
    """How many of these frames are followed by one, of those sent, that was not lost."""
    gone = set(lost)
    return sum(frame + 1 < sent and frame + 1 not in gone for frame in gone)

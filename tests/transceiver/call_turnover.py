"""`python -m tests.transceiver.call_turnover`: many calls that come and go.

Prints as JSON what they leave behind: kB of memory between the first `SETTLED_AFTER` and all
`CALLS`, objects that a call is made of, and how many calls have ended. It is a process of its
own, since the memory of one that runs other tests tells of those.
"""

import asyncio
import gc
import json
import logging
from pathlib import Path

from tests.transceiver.call_table_driver import Client, Worker
from transceiver.call_audio import CallAudio
from transceiver.conversation import Conversation
from transceiver.data_channel import DataChannel
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent
from transceiver.media_transport import MediaTransport
from transceiver.srtp import SrtpReceiver, SrtpSender
from transceiver.webrtc_call import WebRtcCall

PARTS = (
    *(WebRtcCall, CallAudio, Conversation, DataChannel, DtlsEndpoint, IceAgent, MediaTransport),
    *(SrtpReceiver, SrtpSender),
)
THEIRS = DtlsCertificate()
FRAME_S = 0.02
SETTLED_AFTER, CALLS = 300, 1000
AT_ONCE = 20


def alive() -> list[object]:
    return [each for each in gc.get_objects() if isinstance(each, PARTS)]


def resident_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


async def come_and_go(worker: Worker, calls: int) -> None:
    """So many calls, several at once, each with a client that connects and speaks."""
    for _ in range(calls // AT_ONCE):
        clients = [Client(worker, ssrc=1 + each, certificate=THEIRS) for each in range(AT_ONCE)]
        for index, client in enumerate(clients):
            address = ("192.0.2.7", 1024 + index)
            await client.connect(address)
            worker.receive(client.media(), address)
        worker.tick(FRAME_S)
        worker.take_sent()
        worker.calls.close_all()
        worker.take_sent()
        worker.announcer.changes()
        worker.announcer.due(worker.now)
        worker.inference.opened.clear()
        await asyncio.sleep(0)


async def main() -> None:
    logging.disable()
    worker = Worker(max_calls=AT_ONCE)
    before = len(alive())
    await come_and_go(worker, SETTLED_AFTER)
    gc.collect()
    settled_kb = resident_kb()
    await come_and_go(worker, CALLS - SETTLED_AFTER)
    gc.collect()
    left = {
        "growth_kb": resident_kb() - settled_kb,
        "objects": len(alive()) - before,
        "ended": sum(worker.counters.closed.values()),
    }
    print(json.dumps(left))


if __name__ == "__main__":
    asyncio.run(main())

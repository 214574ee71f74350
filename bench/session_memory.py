"""`python -m bench.session_memory`: what one call takes of a worker's memory, and its parts.

Each part is made many times in a process of its own, whose anonymous memory is compared
before and after. The whole is a call that has been connected for a second, with media both ways
and all of the worker but its sockets and its trunk.
"""

import asyncio
import ctypes
import gc
import os
from collections.abc import Callable
from pathlib import Path

from antiphon_proto import trunk
from tests.transceiver.call_table_driver import CLIENT, Client, Worker
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.forwarded_frames import FRAMES_KEPT, ForwardedFrames
from transceiver.srtp import SrtpKeys, SrtpReceiver, SrtpSender

FEW, MANY = 20, 120
RATE = 24_000
SECOND, FRAME_S = 50, 0.02
FRAME = bytes(RATE // SECOND * 2)
RTP_HEADER = bytes.fromhex("806f00010000000100000005")
MEDIA_SECTION = "m=audio"
CHANNEL_SECTION = "m=application"

Make = Callable[[], object]


def main() -> None:
    ours, theirs = DtlsCertificate(), DtlsCertificate()
    keys = handshake(ours, theirs).srtp_keys
    assert keys is not None
    packet = OpusEncoder(RATE).encode(FRAME)
    parts: dict[str, Make] = {
        "DTLS (OpenSSL)": lambda: handshake(ours, theirs),
        "SRTP, both ways (libsrtp)": lambda: srtp(keys),
        "Opus decoder": lambda: decoder(packet),
        "Opus encoder": encoder,
        "times of half a minute's frames": forwarded_frames,
    }
    for name, make in parts.items():
        print_row(name, in_child(lambda make=make: growth(make)))
    print_row("a call", in_child(lambda: asyncio.run(call_growth(theirs, channel=False))))
    print_row(
        "a call with a data channel that is not used",
        in_child(lambda: asyncio.run(call_growth(theirs, channel=True))),
    )


def print_row(name: str, kilobytes: float) -> None:
    print(f"{name:<45}{kilobytes:8.1f} kB")


def in_child(measure: Callable[[], float]) -> float:
    """What it returns in a process that nothing was made in yet."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, repr(measure()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        result = float(pipe.read())
    os.waitpid(child, 0)
    return result


def growth(make: Make) -> float:
    """Kilobytes for each one beyond the first few."""
    kept = [make() for _ in range(FEW)]
    before = anonymous_kilobytes()
    kept += [make() for _ in range(MANY - FEW)]
    return (anonymous_kilobytes() - before) / (MANY - FEW)


async def call_growth(certificate: DtlsCertificate, *, channel: bool) -> float:
    worker = Worker(max_calls=MANY)
    await connect(worker, FEW, certificate, channel=channel)
    before = anonymous_kilobytes()
    await connect(worker, MANY - FEW, certificate, channel=channel)
    return (anonymous_kilobytes() - before) / (MANY - FEW)


async def connect(
    worker: Worker, calls: int, certificate: DtlsCertificate, *, channel: bool
) -> None:
    """So many more clients call, hold still for a second, and are forgotten on our side."""
    callers = []
    for _ in range(calls):
        number = len(worker.calls)
        client = Client(worker, ssrc=1 + number, certificate=certificate)
        if not channel:
            client.offer = without_channel(client.offer)
        address = (CLIENT[0], 1024 + number)
        await client.connect(address)
        callers.append((client, address, worker.inference.opened.pop()[0]))
    for _ in range(SECOND):
        for client, address, call in callers:
            worker.receive(client.media(), address)
            call.engine_audio(trunk.UNSOLICITED, 0, FRAME)
        worker.tick(FRAME_S)
        worker.take_sent()
    assert not worker.counters.closed


def without_channel(offer: str) -> str:
    session, audio = offer.split(MEDIA_SECTION, 1)
    audio = audio.split(CHANNEL_SECTION, 1)[0]
    return session.replace("BUNDLE 0 1", "BUNDLE 0") + MEDIA_SECTION + audio


def anonymous_kilobytes() -> int:
    """Resident memory that is backed by no file, without what the allocator keeps free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def handshake(ours: DtlsCertificate, theirs: DtlsCertificate) -> DtlsEndpoint:
    """The client's side of an association."""
    client = DtlsEndpoint(ours, [theirs.fingerprint], client=True)
    server = DtlsEndpoint(theirs, [ours.fingerprint], client=False)
    client.start()
    while datagrams := client.take_datagrams():
        for datagram in datagrams:
            server.receive(datagram)
        for datagram in server.take_datagrams():
            client.receive(datagram)
    return client


def srtp(keys: SrtpKeys) -> object:
    sender, receiver = SrtpSender(keys), SrtpReceiver(keys)
    sender.protect(RTP_HEADER + bytes(80))
    return sender, receiver


def decoder(packet: bytes) -> OpusDecoder:
    made = OpusDecoder(RATE)
    made.decode(packet)
    return made


def encoder() -> OpusEncoder:
    made = OpusEncoder(RATE)
    made.encode(FRAME)
    return made


def forwarded_frames() -> ForwardedFrames:
    made = ForwardedFrames()
    for index in range(FRAMES_KEPT):
        made.add(20 * index, 0.0, 0.02 * index)
    return made


if __name__ == "__main__":
    main()

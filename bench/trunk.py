"""`python -m bench.trunk`: what a message each way costs a transceiver worker, by client.

The trunk's own client beside those that exist: gRPC's for asyncio, and h2, an HTTP/2 library
without I/O. Each carries the 20 ms frames of 60 sessions to a replica that echoes them, in a
message every millisecond. Counted is the client's process, the median of three; "nothing" is
what the benchmark itself costs in it. Docs: docs/decisions/0019.
"""

import asyncio
import os
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import grpc
import h2.config
import h2.connection
import h2.events
import uvloop

from antiphon_proto.audio_block import pack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.trunk import Open
from antiphon_proto.trunk.command_codec import command_to_protobuf
from bench.figures import publish
from bench.measured_process import MeasuredProcess
from chassis.host_port import HostPort
from transceiver.grpc_stream import GrpcStream
from transceiver.inference_client import TRUNK_PATH
from transceiver.session_state import SessionState
from transceiver.trunk_connection import TrunkConnection, connect

SESSIONS = 60
FRAME_S = 0.020
PCM = bytes(960)
SECONDS, RUNS = 3.0, 3
NOTHING = "nothing"

_RUNNING: list[asyncio.Task[None]] = []

Receive = Callable[[bytes], None]
Send = Callable[[bytes], None]
Connect = Callable[[HostPort, Receive], Awaitable[Send]]


async def connect_own(target: HostPort, receive: Receive) -> Send:
    connection = TrunkConnection(
        await connect(target),
        GrpcStream(str(target), TRUNK_PATH),
        on_message=receive,
        on_writable=lambda: None,
    )
    await connection.ready
    return connection.send


async def connect_grpc_aio(target: HostPort, receive: Receive) -> Send:
    channel = grpc.aio.insecure_channel(str(target), options=[("grpc.http2.bdp_probe", 0)])
    call = channel.stream_stream(TRUNK_PATH)()
    outgoing: asyncio.Queue[bytes] = asyncio.Queue()

    async def write() -> None:
        while True:
            await call.write(await outgoing.get())

    async def read() -> None:
        async for message in call:
            receive(message)

    _RUNNING.extend((asyncio.create_task(write()), asyncio.create_task(read())))
    return outgoing.put_nowait


class H2Protocol(asyncio.Protocol):
    """As little around h2 as a trunk needs."""

    def __init__(self, authority: str, receive: Receive) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._unsent = bytearray()
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        self._h2.initiate_connection()
        self._h2.send_headers(
            1,
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", TRUNK_PATH),
                (":authority", authority),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
            ],
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._flush()

    def send(self, message: bytes) -> None:
        self._unsent += struct.pack(">BI", 0, len(message)) + message
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self._buffer += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, 1)
        self._flush()
        while len(self._buffer) >= 5:
            end = 5 + int.from_bytes(self._buffer[1:5], "big")
            if end > len(self._buffer):
                return
            self._receive(bytes(self._buffer[5:end]))
            del self._buffer[:end]

    def _flush(self) -> None:
        while self._unsent and (room := min(16_384, self._h2.local_flow_control_window(1))):
            self._h2.send_data(1, bytes(self._unsent[:room]))
            del self._unsent[:room]
        outgoing = self._h2.data_to_send()
        if outgoing:
            self._transport.write(outgoing)


async def connect_h2(target: HostPort, receive: Receive) -> Send:
    _transport, protocol = await asyncio.get_running_loop().create_connection(
        lambda: H2Protocol(str(target), receive), target.host, target.port
    )
    return protocol.send


async def connect_nothing(_target: HostPort, _receive: Receive) -> Send:
    """What the benchmark itself costs."""
    return lambda _message: None


def opening() -> bytes:
    config = SessionState(RealtimeSession(id="sess")).engine_config()
    commands = [
        command_to_protobuf(number, 0, Open(f"call_{number}", "echo", config, history=()))
        for number in range(SESSIONS)
    ]
    return pb.Uplink(commands=commands).SerializeToString()


async def cost_of(connect: Connect, target: HostPort) -> tuple[float, float]:
    """Microseconds of CPU a message each way and a frame each way."""
    received = 0

    def receive(message: bytes) -> None:
        nonlocal received
        received += len(message)

    send = await connect(target, receive)
    send(opening())
    await asyncio.sleep(0.5)
    received, sent, messages = 0, 0, 0
    began, cpu = time.monotonic(), time.process_time()
    while (elapsed := time.monotonic() - began) < SECONDS:
        due = int(elapsed / FRAME_S * SESSIONS)
        if due > sent:
            frames = [(n % SESSIONS, n // SESSIONS * 480, PCM) for n in range(sent, due)]
            send(pb.Uplink(audio=pack_frames(frames)).SerializeToString())
            sent, messages = due, messages + 1
        await asyncio.sleep(0.001)
    cpu = time.process_time() - cpu
    if connect is not connect_nothing and received < 0.95 * sent * len(PCM):
        raise RuntimeError("the echo did not keep up")
    return 1e6 * cpu / messages, 1e6 * cpu / sent


CLIENTS: dict[str, Connect] = {
    NOTHING: connect_nothing,
    "antiphon": connect_own,
    "h2": connect_h2,
    "grpc_aio": connect_grpc_aio,
}


def measure(name: str, target: HostPort) -> None:
    """In a process of its own, so that no client pays for another's threads."""
    a_message, a_frame = uvloop.new_event_loop().run_until_complete(cost_of(CLIENTS[name], target))
    print(f"{a_message} {a_frame}", flush=True)
    os._exit(0)


def main() -> int:
    if len(sys.argv) > 1:
        measure(sys.argv[1], HostPort.parse(sys.argv[2]))
    *others, own = sorted(os.sched_getaffinity(0))
    cores = set(others or [own])
    figures = {}
    command = [sys.executable, "-m", "inference", "--engine=echo", "--grpc=127.0.0.1:0"]
    command += ["--admin=127.0.0.1:0", f"--max-sessions={SESSIONS * len(CLIENTS) * RUNS}"]
    with MeasuredProcess("trunk-inference", command, cores) as engine:
        target = str(engine.report()["grpc"])
        os.sched_setaffinity(0, {own})
        for name in CLIENTS:
            message, frame = _median_of(name, target)
            figures[f"cpu_per_message.{name}_seconds"] = message / 1e6
            figures[f"cpu_per_frame.{name}_seconds"] = frame / 1e6
            print(f"{name:10s} {message:6.0f} us a message, {frame:5.1f} us a frame, each way")
    publish("trunk", figures)
    return 0


def _median_of(name: str, target: str) -> tuple[float, float]:
    runs = sorted(_measured_apart(name, target) for _ in range(RUNS))
    return runs[RUNS // 2]


def _measured_apart(name: str, target: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "bench.trunk", name, target]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    a_message, a_frame = map(float, printed.split())
    return a_message, a_frame


if __name__ == "__main__":
    sys.exit(main())

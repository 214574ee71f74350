"""A native session over a real trunk, beside one that is fed nonsense."""

from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest_asyncio

from antiphon_proto.audio_block import downlink_position
from antiphon_proto.inference.v1 import inference_pb2 as pb
from chassis.host_port import HostPort
from inference.admission import Admission
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.native.engine import NativeEngine, NativeOptions
from inference.server import serve_trunks
from inference.servicer import InferenceServicer
from inference.trunk_counters import TrunkCounters
from tests.inference.test_servicer import CLIENT_OPTIONS, Client

FRAME_SAMPLES = 480


@pytest_asyncio.fixture
async def client(options: NativeOptions) -> AsyncIterator[Client]:
    engine = NativeEngine(options, CascadeCounters())
    await engine.start()
    servicer = InferenceServicer([engine], Admission(8), TrunkCounters(), lambda done: None)
    server, address = await serve_trunks(HostPort("127.0.0.1", 0), servicer)
    async with grpc.aio.insecure_channel(str(address), options=CLIENT_OPTIONS) as channel:
        yield Client(channel)
    await server.stop(0)
    await engine.close()


async def test_a_conversation(client: Client) -> None:
    detection = pb.TurnDetection(kind=pb.TurnDetection.KIND_SERVER_VAD)
    opening = pb.Open(config=pb.SessionConfig(turn_detection=detection, output_credit_ms=200))
    await client.send(*(pb.Command(session=number, open=opening) for number in (1, 2, 3)))
    await client.until(lambda: client.kinds().count("ready") == 2 and "error" in client.kinds())
    ready = next(event.ready for event in client.events if event.WhichOneof("kind") == "ready")
    assert (ready.engine, ready.full_duplex) == ("native", True)
    refused = next(event for event in client.events if event.WhichOneof("kind") == "error")
    assert (refused.session, refused.error.code) == (3, "at_capacity")

    noise = np.random.default_rng(0).integers(-3000, 3000, 40 * FRAME_SAMPLES).astype("<i2")
    for start in range(0, len(noise), FRAME_SAMPLES):
        pcm = noise[start : start + FRAME_SAMPLES].tobytes()
        await client.send(frames=((1, start, pcm), (2, start, pcm[: 2 * (start % 7)])))
    await client.until(
        lambda: any(
            event.session == 1 and event.WhichOneof("kind") == "response_proposed"
            for event in client.events
        )
    )
    await client.send(pb.Command(session=1, respond=pb.Respond(response=1, item_id="item_1")))
    await client.until(lambda: client.audio_ms() >= 160)
    played = pb.PlaybackCredit(response=1, played_ms=160)
    await client.send(pb.Command(session=1, playback_credit=played))
    await client.until(lambda: client.audio_ms() >= 240)
    assert client.frames[0].position == downlink_position(1, 0)
    assert any(np.frombuffer(frame.pcm, "<i2").any() for frame in client.frames)

    await client.send(pb.Command(session=1, cancel=pb.Cancel(response=1, played_ms=160)))
    await client.until(lambda: "done" in client.kinds())
    done = next(event.done for event in client.events if event.WhichOneof("kind") == "done")
    assert done.status == pb.Done.STATUS_CANCELLED
    assert done.usage.output_audio_tokens >= 3

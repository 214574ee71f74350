"""Uplink messages: whatever a peer sends, the trunk answers with frames and typed events only."""

from google.protobuf.message import DecodeError

from antiphon_proto.audio_block import (
    AudioBlockError,
    downlink_position,
    pack_frames,
    unpack_frames,
)
from antiphon_proto.inference.v1 import inference_pb2 as pb
from inference.admission import Admission
from inference.engines.echo import EchoEngine
from inference.trunk import Trunk
from inference.trunk_counters import TrunkCounters

CAPACITY = 4


def _seeds() -> list[bytes]:
    opened = pb.Command(session=1, open=pb.Open(model="echo", config=pb.SessionConfig(voice="v")))
    audio = pack_frames([(1, 0, b"\1\0" * 4), (2, 2**40, b"\2\0")])
    respond = pb.Command(session=1, after_frames=1, respond=pb.Respond(response=1))
    cancel = pb.Command(session=1, cancel=pb.Cancel(response=1, played_ms=5))
    return [
        pb.Uplink(audio=audio, commands=[opened, respond, cancel]).SerializeToString(),
        pb.Uplink(commands=[opened, opened, pb.Command(session=1)]).SerializeToString(),
        pb.Uplink(
            commands=[opened, pb.Command(session=1, close=pb.Close(reason="r"))]
        ).SerializeToString(),
    ]


SEEDS = _seeds()


def one_input(data: bytes) -> None:
    """Receive the message twice, behind an open session, and send what comes of it."""
    _one_block(data)
    try:
        uplink = pb.Uplink.FromString(data)
    except DecodeError:
        return
    admission = Admission(CAPACITY)
    trunk = Trunk([EchoEngine()], admission, TrunkCounters(), wake=lambda: None)
    trunk.receive(pb.Uplink.FromString(SEEDS[1]))
    for _ in range(2):
        trunk.receive(uplink)
        while (downlink := trunk.next_downlink()) is not None:
            frames = unpack_frames(downlink.audio)
            assert frames or downlink.events
            assert all(event.after_frames <= len(frames) for event in downlink.events)
            assert all(event.WhichOneof("kind") for event in downlink.events)
    assert 0 <= admission.sessions <= CAPACITY
    trunk.close("fuzz")
    assert admission.sessions == 0


def _one_block(data: bytes) -> None:
    """Cut the input into a block's headers and samples."""
    middle = len(data) // 2
    try:
        frames = unpack_frames(pb.AudioBlock(headers=data[:middle], samples=data[middle:]))
    except AudioBlockError:
        return
    assert pack_frames(frames).samples == data[middle:]
    assert downlink_position(0, 0) == 0

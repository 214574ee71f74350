"""Every command and event of the trunk survives the wire."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto import trunk
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk.command_codec import command_from_protobuf, command_to_protobuf
from antiphon_proto.trunk.event_codec import event_from_protobuf, event_to_protobuf

# What the wire gives back as it got it: protobuf's 32 bit floats and integers, and the
# values that reading does not replace by a default.
st.register_type_strategy(int, st.integers(0, 2**31 - 1))
st.register_type_strategy(str, st.text(st.characters(codec="utf-8"), max_size=40))
detections = st.builds(trunk.TurnDetection, threshold=st.floats(0, 1, exclude_min=True, width=32))
configs = st.builds(
    trunk.SessionConfig,
    turn_detection=st.none() | detections,
    tool_choice=st.text(st.characters(codec="utf-8"), min_size=1),
    output_credit_ms=st.integers(1, 10_000),
)
st.register_type_strategy(trunk.SessionConfig, configs)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.one_of(st.from_type(kind) for kind in get_args(trunk.Command)),
)
def test_a_command_survives(session: int, after_frames: int, command: trunk.Command) -> None:
    wire = command_to_protobuf(session, after_frames, command).SerializeToString()
    message = pb.Command.FromString(wire)
    assert (message.session, message.after_frames) == (session, after_frames)
    assert command_from_protobuf(message) == command


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.one_of(st.from_type(kind) for kind in get_args(trunk.Event)),
)
def test_an_event_survives(session: int, after_frames: int, event: trunk.Event) -> None:
    wire = event_to_protobuf(session, after_frames, event).SerializeToString()
    message = pb.Event.FromString(wire)
    assert (message.session, message.after_frames) == (session, after_frames)
    assert event_from_protobuf(message) == event


@pytest.mark.parametrize("kind", get_args(trunk.Command) + get_args(trunk.Event))
def test_every_kind_has_its_field(kind: type) -> None:
    fields = set(pb.Command.DESCRIPTOR.fields_by_name) | set(pb.Event.DESCRIPTOR.fields_by_name)
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).strip("_")
    assert snake in fields


def test_what_a_newer_build_sends_is_not_understood_but_harmless() -> None:
    assert command_from_protobuf(pb.Command(session=1)) is None
    assert event_from_protobuf(pb.Event(session=1)) is None
    done = pb.Event(done=pb.Done(status=99, stages=[pb.StageTime(stage=99)]))
    assert event_from_protobuf(done) == trunk.Done(0, trunk.DoneStatus.FAILED)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, float("nan"), float("inf")])
def test_a_senseless_threshold_takes_its_default(threshold: float) -> None:
    detection = pb.TurnDetection(threshold=threshold, kind=99, eagerness=99)
    update = pb.Update(config=pb.SessionConfig(turn_detection=detection))
    command = command_from_protobuf(pb.Command(update=update))
    assert isinstance(command, trunk.Update)
    assert command.config.turn_detection == trunk.TurnDetection(
        prefix_padding_ms=0, silence_duration_ms=0, create_response=False
    )
    assert command.config.tool_choice == "auto"
    assert command.config.output_credit_ms == 200

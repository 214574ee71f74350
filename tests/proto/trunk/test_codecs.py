"""Every command and event of the trunk survives the wire."""

from dataclasses import replace
from enum import EnumType
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto import trunk
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk.command_codec import command_from_protobuf, command_to_protobuf
from antiphon_proto.trunk.event_codec import event_from_protobuf, event_to_protobuf

# What the wire gives back as it got it: 32 bit floats, integers that fit their fields, and
# no values that reading replaces by a default.
DETECTIONS = st.builds(
    trunk.TurnDetection,
    kind=st.sampled_from(trunk.TurnDetectionKind),
    threshold=st.floats(0, 1, exclude_min=True, width=32),
    prefix_padding_ms=st.integers(0, trunk.MAX_PREFIX_PADDING_MS),
    silence_duration_ms=st.integers(0, 2**32 - 1),
    create_response=st.booleans(),
    eagerness=st.sampled_from(trunk.Eagerness),
)
TRUNCATIONS = st.builds(
    trunk.Truncation,
    disabled=st.booleans(),
    retention_ratio=st.floats(0, 1, width=32),
    max_tokens=st.integers(0, 2**32 - 1),
)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """What a field of this type may hold."""
    plain = {
        int: st.integers(0, 2**31 - 1),
        float: st.floats(trunk.MIN_SPEED, trunk.MAX_SPEED, width=32),
        str: TEXTS,
        bool: st.booleans(),
        NoneType: st.none(),
    }
    if hint in plain:
        return plain[hint]
    if hint is trunk.TurnDetection:
        return DETECTIONS
    if hint is trunk.Truncation:
        return TRUNCATIONS
    if isinstance(hint, UnionType):
        return st.one_of(*map(values, get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, EnumType):
        return st.sampled_from(hint)
    fields = get_type_hints(hint)
    if hint is trunk.SessionConfig:
        return st.builds(hint, **{name: values(kind) for name, kind in fields.items()}).map(
            lambda config: replace(config, output_credit_ms=config.output_credit_ms or 1)
        )
    return st.builds(hint, **{name: values(kind) for name, kind in fields.items()})


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    values(trunk.Command),
)
def test_a_command_survives(session: int, after_frames: int, command: trunk.Command) -> None:
    wire = command_to_protobuf(session, after_frames, command).SerializeToString()
    message = pb.Command.FromString(wire)
    assert (message.session, message.after_frames) == (session, after_frames)
    assert command_from_protobuf(message) == command


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    values(trunk.Event),
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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, TunnelError, TunnelFault
from antiphon_proto.tunnel_control import (
    NO_CLIENT,
    Bind,
    ControlMessage,
    Hello,
    Lease,
    Leased,
    Release,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
    control_message,
)

CLIENT: Address = ("203.0.113.9", 50000)

addresses = st.tuples(
    st.ip_addresses(v=4).map(str) | st.just("2001:db8::1"), st.integers(0, 0xFFFF)
)
messages = st.one_of(
    st.builds(
        Bind,
        st.integers(0, 0xFFFF),
        st.booleans(),
        st.lists(st.integers(0, 2**32 - 1), max_size=255).map(tuple),
    ),
    st.builds(Bind, st.integers(0, 0xFFFF), st.just(False), st.just((1,)), st.booleans()),
    st.builds(Unbind, st.sampled_from(UnbindReason)),
    st.builds(Reset, st.integers(0, 255)),
    st.builds(Hello, st.integers(0, 2**64 - 1), st.lists(addresses, max_size=20).map(tuple)),
    st.builds(
        Lease,
        st.integers(0, 2**64 - 1),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
        st.lists(addresses, max_size=4).map(tuple),
    ),
    st.builds(Leased, st.integers(0, 2**64 - 1), addresses),
    st.builds(Release, st.integers(0, 2**64 - 1)),
)


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        (Bind(60, True, (0xDEADBEEF, 1)), "003c 01 02 deadbeef 00000001"),
        (Bind(2, False, ()), "0002 00 00"),
        (Bind(2, False, (1,), True), "0002 02 01 00000001"),
        (Unbind(UnbindReason.CLOSED), "00"),
        (Unbind(UnbindReason.MOVED), "01"),
        (Unbind(UnbindReason.LOST), "02"),
        (Reset(255), "ff"),
        (Hello(0, ()), "0000000000000000 00"),
        (Hello(1, (("192.0.2.1", 41000),)), "0000000000000001 01 04 a028 c0000201"),
        (Lease(1, 30, 0, ()), "0000000000000001 001e 0000 00"),
        (
            Lease(2, 30, 40000, (("192.0.2.1", 0),)),
            "0000000000000002 001e 9c40 01 04 0000 c0000201",
        ),
        (Leased(3, ("0.0.0.0", 40000)), "0000000000000003 04 9c40 00000000"),
        (Release(4), "0000000000000004"),
    ],
)
def test_layout(message: ControlMessage, payload: str) -> None:
    assert message.encode() == bytes.fromhex(payload)
    assert message.decode(bytes.fromhex(payload)) == message


@given(messages)
def test_a_message_survives_its_frame(message: ControlMessage) -> None:
    assert control_message(control_frame(message, CLIENT)) == message


def test_a_frame_names_its_client_or_none() -> None:
    assert control_frame(Bind(1, True, ()), CLIENT).client == CLIENT
    assert control_frame(Reset(1)) == Frame(FrameType.RESET, NO_CLIENT, b"\x01")


@given(messages)
def test_truncation_at_every_byte(message: ControlMessage) -> None:
    payload = message.encode()
    for length in range(len(payload)):
        with pytest.raises(TunnelError):
            message.decode(payload[:length])
    with pytest.raises(TunnelError):
        message.decode(payload + b"\0")


@given(st.sampled_from(FrameType), st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_or_canonical(type_: FrameType, payload: bytes) -> None:
    try:
        message = control_message(Frame(type_, CLIENT, payload))
    except TunnelError as error:
        fault = error.fault
    else:
        assert message.encode() == payload
        return
    assert fault is TunnelFault.FRAME


@pytest.mark.parametrize(
    ("type_", "payload"),
    [
        (FrameType.DATA, ""),
        (FrameType.BIND, "0001 03 00"),
        (FrameType.BIND, "0001 04 00"),
        (FrameType.BIND, "0001 01 01"),
        (FrameType.UNBIND, "03"),
        (FrameType.HELLO, "0000000000000001 02 04 a028 c0000201"),
        (FrameType.HELLO, "0000000000000001 01 05 a028 c0000201"),
        (FrameType.LEASE, "0000000000000001 001e 0000 05" + 5 * "04 a028 c0000201"),
        (FrameType.LEASE, "0000000000000001 001e 0000 02 04 a028 c0000201"),
        (FrameType.LEASED, "0000000000000001 05 a028 c0000201"),
        (FrameType.LEASED, "0000000000000001" + 2 * "04 a028 c0000201"),
        (FrameType.PORT_DATA, "9c40"),
    ],
)
def test_malformed(type_: FrameType, payload: str) -> None:
    with pytest.raises(TunnelError):
        control_message(Frame(type_, CLIENT, bytes.fromhex(payload)))


@pytest.mark.parametrize(
    "message",
    [
        Bind(0x10000, True, ()),
        Bind(-1, True, ()),
        Bind(1, True, (1 << 32,)),
        Bind(1, True, (0,) * 256),
        Bind(1, True, (), True),
        Reset(256),
        Hello(1 << 64, ()),
        Hello(0, (("192.0.2.1", 1),) * 256),
        Hello(0, (("relay.example", 1),)),
        Lease(1 << 64, 1, 0, ()),
        Lease(1, 0x10000, 0, ()),
        Lease(1, 1, 0x10000, ()),
        Lease(1, 1, 0, (("192.0.2.1", 1),) * 5),
        Leased(1 << 64, CLIENT),
        Leased(1, ("phone.example", 1)),
        Release(1 << 64),
    ],
)
def test_what_does_not_fit_is_refused(message: ControlMessage) -> None:
    with pytest.raises(ValueError, match=r"."):
        message.encode()

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.host_port import HostPort


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("localhost:0", "localhost", 0),
        ("[::1]:65535", "::1", 65535),
    ],
)
def test_reads_what_flags_say(text: str, host: str, port: int) -> None:
    assert HostPort.parse(text) == (host, port)
    assert str(HostPort.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "host", "host:", "host:65536", "host:-1", "host:١", "::1:80"]
)
def test_rejects_what_is_not_host_and_port(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        HostPort.parse(text)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_round_trip(address: object, port: int) -> None:
    assert HostPort.parse(str(HostPort(str(address), port))) == (str(address), port)


@given(st.text())
def test_arbitrary_text_raises_value_error_alone(text: str) -> None:
    with contextlib.suppress(ValueError):
        HostPort.parse(text)

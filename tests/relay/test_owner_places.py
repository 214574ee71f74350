"""Where a relay is told that transceivers are."""

import pytest

from relay.owner_places import OwnerPlaces


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.8:7000",
        "[2001:db8::8]:7000-7003",
        "dns:antiphon-peers.voice.svc.cluster.local:7000-7003",
        "dns:peers:7000,10.0.0.8:7000",
    ],
)
def test_is_written_as_it_is_read(text) -> None:
    assert str(OwnerPlaces.parse(text)) == text


def test_a_range_is_a_port_a_worker() -> None:
    [place] = OwnerPlaces.parse("dns:voice-peers:7000-7002")
    assert (place.host, list(place.ports), place.is_name) == (
        "voice-peers",
        [7000, 7001, 7002],
        True,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("10.0.0.8", "HOST:PORT"),
        ("peers:7000", "peers"),
        ("0.0.0.0:7000", "can reach"),
        ("10.0.0.8:0", "from 1 up"),
        ("10.0.0.8:7003-7000", "from 1 up"),
        ("10.0.0.8:7000-7300", "256 at most"),
        ("10.0.0.8:7000-x", "port must be a number"),
        ("10.0.0.8:65535-65536", "port must be a number"),
        ("10.0.0.8:7000,10.0.0.8:7000", "twice"),
    ],
)
def test_anything_else_is_refused(text, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        OwnerPlaces.parse(text)

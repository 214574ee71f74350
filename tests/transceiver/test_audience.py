import pytest

from transceiver.audience import MAX_SIDEBANDS, Audience, AudienceFullError
from transceiver.close_reason import CloseReason
from transceiver.conversation_outputs import CLIENT, EVERYONE, SIDEBANDS
from transceiver.sideband import MAX_UNSENT_BYTES, Sideband, SidebandHost


class Socket:
    """What has been sent stays unread."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.closed: list[CloseReason] = []

    @property
    def unsent_bytes(self) -> int:
        return sum(map(len, self.events))

    def send(self, event: bytes) -> None:
        self.events.append(event)

    def close(self, reason: CloseReason) -> None:
        self.closed.append(reason)


class Host:
    """A call with sidebands."""

    def __init__(self) -> None:
        self.audience = Audience()
        self.joined: list[int] = []
        self.received: list[tuple[int, bytes]] = []

    def sideband(self) -> Sideband:
        def receive(number: int, event: bytes) -> None:
            self.received.append((number, event))

        return self.audience.admit(SidebandHost(self.joined.append, receive, self.audience.remove))

    def connected(self) -> tuple[Sideband, Socket]:
        one, socket = self.sideband(), Socket()
        one.start(socket)
        return one, socket


@pytest.fixture
def host() -> Host:
    return Host()


def test_each_hears_what_is_for_it(host: Host) -> None:
    (first, hears), (second, hears_too) = host.connected(), host.connected()
    assert host.joined == [1, 2]
    for event, to in ((b"all", EVERYONE), (b"us", SIDEBANDS), (b"client", CLIENT), (b"2", 2)):
        host.audience.hear(event, to)
    assert hears.events == [b"all", b"us"]
    assert hears_too.events == [b"all", b"us", b"2"]
    first.receive(b"a")
    second.receive(b"b")
    assert host.received == [(1, b"a"), (2, b"b")]


def test_one_that_leaves_is_forgotten_and_its_number_with_it(host: Host) -> None:
    one, socket = host.connected()
    one.close(CloseReason.CLIENT_HANGUP)
    one.close(CloseReason.CANCELLED)
    host.audience.hear(b"late", EVERYONE)
    host.audience.hear(b"late", 1)
    one.receive(b"late")
    assert (socket.events, socket.closed) == ([], [CloseReason.CLIENT_HANGUP])
    assert (len(host.audience), host.received) == (0, [])
    host.connected()
    assert host.joined == [1, 2]


def test_one_that_does_not_read_is_closed_and_no_other(host: Host) -> None:
    _, full = host.connected()
    half = MAX_UNSENT_BYTES // 2 + 1
    host.audience.hear(bytes(half), EVERYONE)
    _, fresh = host.connected()
    host.audience.hear(bytes(half), EVERYONE)
    assert full.closed == [CloseReason.CHANNEL_BROKEN]
    assert fresh.closed == []
    host.audience.hear(b"on", EVERYONE)
    assert len(full.events) == 2
    assert fresh.events[-1] == b"on"


def test_there_is_room_for_so_many(host: Host) -> None:
    admitted = [host.sideband() for _ in range(MAX_SIDEBANDS)]
    with pytest.raises(AudienceFullError):
        host.sideband()
    admitted[0].close(CloseReason.CANCELLED)
    host.sideband()


def test_the_end_of_the_call_is_theirs(host: Host) -> None:
    _, socket = host.connected()
    coming = host.sideband()
    host.audience.close(CloseReason.SHUTDOWN)
    assert socket.closed == [CloseReason.SHUTDOWN]
    late = Socket()
    coming.start(late)
    assert late.closed == [CloseReason.SHUTDOWN]
    assert (len(host.audience), host.joined) == (0, [1])


def test_a_defect_ends_a_sideband(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    one, socket = host.connected()
    one.fail()
    assert socket.closed == [CloseReason.INTERNAL_ERROR]
    assert "a sideband failed" in caplog.text

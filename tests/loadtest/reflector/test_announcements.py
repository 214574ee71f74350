"""What relay workers are told, and when."""

from antiphon_proto.tunnel import Frame, FrameType
from antiphon_proto.tunnel_control import Bind, Hello, UnbindReason, control_message
from loadtest.reflector.announcements import (
    LIFETIME_S,
    MAX_CONTROL_BYTES,
    REFRESH_S,
    REPEATS_S,
    Announcements,
    by_size,
)
from loadtest.reflector.relay_probes import FORGET_S, TELL_AGAIN_S, RelayProbes

CLIENT = ("203.0.113.9", 50000)
RELAY, SIBLING = ("192.0.2.10", 40001), ("192.0.2.10", 40002)


def test_a_client_is_announced_at_once_and_again() -> None:
    announcements = Announcements(5, 0.0)
    announcements.bind(CLIENT, 77, 0.0)
    [frame] = announcements.changes()
    assert control_message(frame) == Bind(LIFETIME_S, True, (77,))
    assert announcements.changes() == []
    for pause in REPEATS_S:
        assert announcements.due(pause) == [frame]
    assert announcements.everything() == [announcements.reset, frame]


def test_all_are_refreshed_in_turn() -> None:
    announcements = Announcements(5, 0.0)
    clients = [("203.0.113.9", port) for port in range(1, 101)]
    for client in clients:
        announcements.bind(client, 1, 0.0)
    announcements.due(REPEATS_S[-1])
    steps = [announcements.due(REPEATS_S[-1] + REFRESH_S * step / 10) for step in range(1, 11)]
    assert {frame.client for step in steps for frame in step} == set(clients)
    assert max(map(len, steps)) <= 11


def test_one_that_is_gone_is_not_announced_again() -> None:
    announcements = Announcements(5, 0.0)
    announcements.bind(CLIENT, 77, 0.0)
    announcements.unbind(CLIENT, UnbindReason.CLOSED)
    announcements.unbind(CLIENT, UnbindReason.CLOSED)
    [frame] = announcements.changes()
    assert frame.type is FrameType.UNBIND
    assert announcements.due(REFRESH_S) == []
    assert len(announcements) == 0


def test_datagrams_of_frames_pass_any_network() -> None:
    frames = [Frame(FrameType.DATA, CLIENT, bytes(100)) for _ in range(50)]
    datagrams = list(by_size(frames))
    assert [frame for datagram in datagrams for frame in datagram] == frames
    assert max(sum(22 + 100 for _ in datagram) for datagram in datagrams) <= MAX_CONTROL_BYTES


class Probed:
    """Probes whose nonces count up."""

    def __init__(self) -> None:
        self._nonces = iter(range(1, 10_000))
        self.probes = RelayProbes([RELAY], lambda: next(self._nonces), 0.0)

    def nonce(self, now: float) -> int:
        [(_address, nonce, _unknown)] = [
            each for each in self.probes.due_probes(now) if each[0] == RELAY
        ]
        return nonce


def test_a_relay_of_another_life_is_told_everything_and_again() -> None:
    probed = Probed()
    nonce = probed.nonce(0.0)
    assert probed.probes.hello(RELAY, 11, Hello(nonce, (SIBLING,)), 0.1)
    assert SIBLING in [address for address, _nonce, _unknown in probed.probes.due_probes(0.1)]
    assert probed.probes.answering == [RELAY]
    again = [probed.probes.due_again(0.1 + pause) for pause in TELL_AGAIN_S]
    assert again == [[RELAY]] * len(TELL_AGAIN_S)
    assert not probed.probes.hello(RELAY, 11, Hello(probed.nonce(1.0), ()), 1.0)
    assert probed.probes.hello(RELAY, 12, Hello(probed.nonce(2.0), ()), 2.0)


def test_only_the_answer_to_a_probe_is_believed() -> None:
    probed = Probed()
    nonce = probed.nonce(0.0)
    assert not probed.probes.hello(RELAY, 11, Hello(0, ()), 0.1)
    assert not probed.probes.hello(RELAY, 11, Hello(nonce + 1, ()), 0.1)
    assert not probed.probes.hello(SIBLING, 11, Hello(nonce, ()), 0.1)
    assert probed.probes.hello(RELAY, 11, Hello(nonce, ()), 0.1)
    assert not probed.probes.hello(RELAY, 12, Hello(nonce, ()), 0.2)


def test_a_datagram_of_an_unknown_life_has_its_sender_probed_at_once() -> None:
    probed = Probed()
    probed.probes.hello(RELAY, 11, Hello(probed.nonce(0.0), ()), 0.0)
    probed.probes.heard(RELAY, 11, 0.01)
    assert probed.probes.due_probes(0.01) == []
    probed.probes.heard(RELAY, 12, 0.02)
    assert [address for address, _nonce, _unknown in probed.probes.due_probes(0.02)] == [RELAY]


def test_those_that_were_not_named_are_forgotten_when_they_fall_silent() -> None:
    probed = Probed()
    probed.probes.heard(SIBLING, 3, 0.0)
    assert len(probed.probes) == 2
    probed.probes.due_probes(FORGET_S + 1)
    assert len(probed.probes) == 1

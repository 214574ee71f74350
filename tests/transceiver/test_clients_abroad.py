import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind, Reset, control_frame
from transceiver import clients_abroad
from transceiver.clients_abroad import FORGET_S, ClientsAbroad

E1: Address = ("10.9.1.1", 4001)
E2: Address = ("10.9.1.1", 4002)
F: Address = ("10.9.3.1", 4001)
ANN: Address = ("192.0.2.1", 1)
BOB: Address = ("192.0.2.2", 1)
NOW = 100.0


@pytest.fixture
def bound() -> set[Address]:
    return set()


@pytest.fixture
def clients(bound: set[Address]) -> ClientsAbroad:
    siblings = {E1: (E2,), E2: (E1,)}
    return ClientsAbroad(lambda relay: siblings.get(relay, ()), bound.__contains__)


def frame(client: Address):
    return control_frame(Bind(30, True, ()), client)


def test_relays_are_told_of_their_own_clients_alone(clients: ClientsAbroad) -> None:
    clients.came(ANN, E1, NOW)
    clients.came(BOB, F, NOW)
    frames = [frame(ANN), frame(BOB), frame(("192.0.2.9", 9))]
    assert clients.by_relay(frames) == {E1: frames[:1], E2: frames[:1], F: frames[1:2]}
    reset = control_frame(Reset(1))
    assert clients.told_to(E2, [reset, *frames]) == [reset, frames[0]]
    assert clients.told_to(F, [reset, *frames]) == [reset, frames[1]]


def test_another_group_has_to_be_told_and_a_sibling_has_been(clients: ClientsAbroad) -> None:
    moves = [clients.came(ANN, relay, NOW) for relay in (E1, E1, E2, E1, F, F)]
    assert moves == [True, False, False, False, True, False]


def test_who_came_home_is_abroad_no_more(clients: ClientsAbroad) -> None:
    clients.came_home(ANN)
    clients.came(ANN, E1, NOW)
    clients.came_home(ANN)
    assert len(clients) == 0
    assert clients.by_relay([frame(ANN)]) == {}


def test_relays_are_of_use_while_they_have_a_client(
    clients: ClientsAbroad, bound: set[Address]
) -> None:
    clients.came(ANN, E1, NOW)
    clients.came(BOB, F, NOW)
    bound.add(ANN)
    assert clients.sweep(NOW + FORGET_S) == {E1, E2, F}
    assert clients.sweep(NOW + FORGET_S + 1) == {E1, E2}
    bound.clear()
    assert clients.sweep(NOW + FORGET_S + 1) == set()


def test_addresses_that_nobody_has_displace_none_that_is_bound(
    clients: ClientsAbroad, bound: set[Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients_abroad, "MAX_CLIENTS", 10)
    bound.add(ANN)
    clients.came(ANN, E1, NOW)
    for i in range(100):
        assert clients.came(("198.51.100.9", i), E1, NOW)
    assert clients.came(BOB, F, NOW)
    assert clients.by_relay([frame(ANN), frame(BOB)]).keys() == {E1, E2, F}
    assert len(clients) == 10


def test_they_are_bounded(
    clients: ClientsAbroad, bound: set[Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients_abroad, "MAX_CLIENTS", 1)
    bound.add(ANN)
    assert clients.came(ANN, E1, NOW)
    assert not clients.came(BOB, E1, NOW)
    assert clients.by_relay([frame(ANN), frame(BOB)]).keys() == {E1, E2}

"""The way back to each address of a client."""

from antiphon_proto.address import Address
from transceiver.relay_paths import RelayPaths

HOME: Address = ("192.0.2.1", 1000)
MOBILE: Address = ("198.51.100.1", 2000)
RELAY_A: Address = ("10.0.0.1", 1)
UNREACHABLE: Address = ("203.0.113.1", 3000)
RELAY_B: Address = ("10.0.0.2", 2)


class Endpoint:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address, Address]] = []

    def send(self, payload: bytes, client: Address, relay: Address) -> None:
        self.sent.append((payload, client, relay))

    def relay_for(self, client: Address) -> Address | None:
        return None if client == UNREACHABLE else RELAY_A


def test_the_answer_takes_the_relay_that_the_client_last_came_through() -> None:
    endpoint = Endpoint()
    paths = RelayPaths(endpoint)
    paths.note(HOME, RELAY_A)
    paths.note(MOBILE, RELAY_A)
    paths.note(HOME, RELAY_B)
    paths.send(b"1", HOME)
    paths.send(b"2", MOBILE)
    assert endpoint.sent == [(b"1", HOME, RELAY_B), (b"2", MOBILE, RELAY_A)]


def test_an_address_that_was_never_heard_from_is_sent_nothing() -> None:
    endpoint = Endpoint()
    RelayPaths(endpoint).send(b"1", HOME)
    assert endpoint.sent == []


def test_forgotten_addresses_are_named_and_sent_nothing() -> None:
    endpoint = Endpoint()
    paths = RelayPaths(endpoint)
    paths.note(HOME, RELAY_A)
    paths.note(MOBILE, RELAY_A)
    assert paths.forget_unless(lambda client: client == HOME) == [MOBILE]
    paths.send(b"1", MOBILE)
    assert endpoint.sent == []


def test_an_address_that_signaling_named_is_sent_to_before_anything_came_from_there() -> None:
    endpoint = Endpoint()
    paths = RelayPaths(endpoint)
    paths.expect(HOME)
    paths.expect(UNREACHABLE)
    paths.send(b"1", HOME)
    paths.send(b"2", UNREACHABLE)
    paths.note(HOME, RELAY_B)
    paths.send(b"3", HOME)
    assert endpoint.sent == [(b"1", HOME, RELAY_A), (b"3", HOME, RELAY_B)]
    paths.forget_unless(lambda _client: False)
    paths.send(b"4", HOME)
    assert len(endpoint.sent) == 2

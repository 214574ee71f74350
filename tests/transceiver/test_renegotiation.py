"""Later offers in a call that is connected: over another network, and to hold it."""

import re
import struct

import pytest
from aiortc import sdp

from antiphon_proto import trunk
from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import UnbindReason
from antiphon_proto.ufrag import UfragReader
from tests.transceiver.call_table_driver import (
    CLIENT,
    KEYS,
    ROAMED,
    UNIX_TIME,
    WORKER,
    Client,
    Worker,
)
from transceiver.close_reason import CloseReason
from transceiver.ice.agent import RESTART_TIMEOUT_S
from transceiver.ice.path import CONSENT_EXPIRY_S
from transceiver.reoffer_limit import BURST, REFILL_S
from transceiver.sdp import OfferError, OfferFault
from transceiver.signaling.calls import CallNotFoundError, CallRefusedError, RefusalReason

MOVED: Address = ("203.0.113.77", 61000)
"""Where the client is after it changed networks."""


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def client(worker: Worker) -> Client:
    """In a call from CLIENT, whose relays were told."""
    client = Client(worker)
    await client.connect()
    worker.announced()
    return client


def speak(worker: Worker, seconds: float) -> None:
    """The agent says so much."""
    listener, _session = worker.inference.opened[-1]
    listener.engine_audio(trunk.UNSOLICITED, 0, bytes(round(seconds * 24_000) * 2))


def listen(worker: Worker, client: Client, seconds: float, *reachable: Address) -> set[Address]:
    """The client answers from these addresses; where the server's media went."""
    went: set[Address] = set()
    for _ in range(round(seconds * 50)):
        heard = len(client.heard)
        worker.tick(0.02)
        addresses = client.deliver(set(reachable))
        if len(client.heard) > heard:
            went.update(addresses)
    return went


def sequences(client: Client) -> list[int]:
    return [struct.unpack_from(">H", packet, 2)[0] for packet in client.heard]


def consecutive(numbers: list[int]) -> list[int]:
    """As many, from the first on."""
    return [(numbers[0] + count) & 0xFFFF for count in range(len(numbers))]


def origin(answer: str) -> tuple[int, int]:
    """The session's id and version."""
    match = re.search(r"^o=- (\d+) (\d+) ", answer, re.MULTILINE)
    assert match
    return int(match[1]), int(match[2])


def test_the_answer_restarts_ice_and_nothing_else(worker: Worker, client: Client) -> None:
    before = client.server
    first, second = client.offer_anew(), client.offer_anew(restart=True)
    assert origin(second) == (origin(first)[0], origin(first)[1] + 1)

    old, new = (sdp.SessionDescription.parse(answer).media[0] for answer in (first, second))
    assert old.ice.usernameFragment == before.ufrag != new.ice.usernameFragment
    assert old.ice.password == before.password != new.ice.password
    assert (old.dtls, old.ssrc, old.rtp) == (new.dtls, new.ssrc, new.rtp)
    owner = UfragReader(KEYS).read(new.ice.usernameFragment.encode(), UNIX_TIME)
    assert (owner.address, owner.port) == WORKER, "relays route it as they did the old one"


def test_the_call_goes_on_where_the_client_went(worker: Worker, client: Client) -> None:
    speak(worker, 1.0)
    assert listen(worker, client, 0.2, CLIENT) == {CLIENT}
    client.offer_anew(restart=True)
    assert listen(worker, client, 0.2, CLIENT) == {CLIENT}

    worker.receive(client.check(), MOVED)
    client.deliver({MOVED})
    assert listen(worker, client, 0.2, CLIENT, MOVED) == {MOVED}
    heard = sequences(client)
    assert len(heard) == pytest.approx(30, abs=1)
    assert heard == consecutive(heard), "SRTP and its numbers went on"

    frames = worker.counters.frames_in
    for _ in range(5):
        worker.receive(client.media(), MOVED)
    assert worker.counters.frames_in > frames
    assert set(worker.announced()) == {(MOVED, True), (CLIENT, UnbindReason.MOVED)}


def test_both_ufrags_lead_to_the_call_until_the_client_has_moved(
    worker: Worker, client: Client
) -> None:
    old, old_credentials = client.server, client.credentials
    client.offer_anew(restart=True)
    new, new_credentials = client.server, client.credentials

    client.server, client.credentials = old, old_credentials
    worker.receive(client.check(), CLIENT)
    assert client.deliver({CLIENT}) == [CLIENT]

    client.server, client.credentials = new, new_credentials
    worker.receive(client.check(), MOVED)
    assert MOVED in client.deliver({MOVED})

    client.server, client.credentials = old, old_credentials
    worker.receive(client.check(), CLIENT)
    assert worker.take_sent() == []


def test_a_client_whose_network_died_returns_by_its_restart(worker: Worker, client: Client) -> None:
    listen(worker, client, CONSENT_EXPIRY_S - 5)
    client.offer_anew(restart=True)
    listen(worker, client, 10)
    assert len(worker.calls) == 1
    speak(worker, 1.0)
    assert listen(worker, client, 0.2, MOVED) == set()

    worker.receive(client.check(), MOVED)
    client.deliver({MOVED})
    assert listen(worker, client, 0.2, MOVED) == {MOVED}


def test_one_that_does_not_return_is_lost(worker: Worker, client: Client) -> None:
    client.offer_anew(restart=True)
    listen(worker, client, max(CONSENT_EXPIRY_S, RESTART_TIMEOUT_S) + 0.5)
    assert len(worker.calls) == 0
    assert worker.counters.closed == {CloseReason.CONSENT_LOST: 1}


def test_it_may_restart_again_and_again(worker: Worker, client: Client) -> None:
    for address in MOVED, ROAMED, CLIENT, MOVED:
        client.offer_anew(restart=True)
        worker.receive(client.check(), address)
        client.deliver({address})
        speak(worker, 0.1)
        assert listen(worker, client, 0.2, address) == {address}


def test_a_held_call_is_silent_and_its_numbers_wait(worker: Worker, client: Client) -> None:
    speak(worker, 2.0)
    listen(worker, client, 0.2, CLIENT)
    for held, answered in ("sendonly", "recvonly"), ("inactive", "inactive"):
        assert f"a={answered}\r\n" in client.offer_anew(direction=held)
        assert listen(worker, client, 0.2, CLIENT) == set()
    assert "a=sendrecv\r\n" in client.offer_anew()
    listen(worker, client, 0.2, CLIENT)
    heard = sequences(client)
    assert len(heard) == pytest.approx(20, abs=1)
    assert heard == consecutive(heard), "nothing seems lost"


def test_an_offer_that_cannot_be_followed_harms_nothing(worker: Worker, client: Client) -> None:
    good = client.offer
    client.offer = good.replace("a=setup:actpass", "a=setup:active").replace("SYYG", "abcd")
    with pytest.raises(OfferError) as refused:
        client.offer_anew()
    assert refused.value.fault is OfferFault.TRANSPORT_CHANGED
    client.offer = "v=0\r\n"
    with pytest.raises(OfferError):
        client.offer_anew()

    speak(worker, 0.1)
    assert listen(worker, client, 0.2, CLIENT) == {CLIENT}
    client.offer = good
    before = client.server
    client.offer_anew()
    assert client.server == before


def test_a_call_that_has_ended_takes_no_offers(worker: Worker, client: Client) -> None:
    worker.calls.hang_up(client.call_id)
    with pytest.raises(CallNotFoundError):
        client.offer_anew(restart=True)


def test_offers_that_come_too_often_are_put_off(worker: Worker, client: Client) -> None:
    for _ in range(BURST):
        client.offer_anew(restart=True)
    with pytest.raises(CallRefusedError) as refused:
        client.offer_anew(restart=True)
    assert refused.value.reason is RefusalReason.RATE_LIMITED
    assert 0 < refused.value.retry_after_s <= REFILL_S
    worker.tick(REFILL_S)
    client.offer_anew(restart=True)


def test_a_source_that_the_later_offer_names_is_followed_to_a_new_address(
    worker: Worker, client: Client
) -> None:
    client.offer = client.offer.replace(str(client.ssrc), "4711")
    client.offer_anew()
    client.ssrc = 4711
    worker.receive(client.media(), ROAMED)
    client.deliver({ROAMED})
    assert (ROAMED, True) in worker.announced()

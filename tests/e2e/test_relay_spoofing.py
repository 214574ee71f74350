"""What an attacker can reach who forges source addresses, checks and media, while calls speak."""

import secrets
import socket
import struct
import time
from base64 import b64encode
from binascii import crc32
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.ufrag import RANDOM_BYTES, Owner, UfragMinter
from tests.e2e.callers import answer_to, connectivity_check
from tests.e2e.client_socket import forging, open_client, received
from tests.e2e.relay_traffic import LiveCalls, live_calls, relay_command
from tests.e2e.running_deployment import wait_until
from tests.e2e.stand_in_owner import CallTerms, StandInOwner
from tests.relay.conftest import Cluster, RelayProcess
from transceiver.ice import IceCredentials

CALLS = 10
ALLOWANCE = 3
"""Bytes to an unproven address for each byte from it."""

BLOW = bytes(1000)
BLOWS = 60
MEDIA = b"\x80\x6f" + bytes(58)
STUN_COOKIE_XOR = 0x5354554E


@dataclass(frozen=True, slots=True)
class Target:
    """A relay with calls that speak."""

    cluster: Cluster
    relay: RelayProcess
    live: LiveCalls

    @property
    def victim(self) -> Address:
        """The first call's client."""
        return self.live.callers.address(0)

    @property
    def terms(self) -> CallTerms:
        return self.live.callers.terms[0]

    def checks_forwarded(self) -> float:
        return self.relay.metric("forwarded_packets_total", direction="to_owner", kind="stun")


@pytest.fixture(scope="module", params=["on", "off"], ids=["fast", "plain"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    cluster = Cluster()
    with relay_command(cluster, f"--fast-path={request.param}") as command:
        relay = command.start()
        with live_calls(cluster, relay, CALLS) as live:
            yield Target(cluster, relay, live)


@pytest.fixture(scope="module")
def other_owner(target: Target) -> Iterator[StandInOwner]:
    """Owns the attacker's own session."""
    owner = StandInOwner(target.cluster.key_text)
    yield owner
    owner.close()


@pytest.fixture
def attackers_terms(other_owner: StandInOwner) -> CallTerms:
    [terms] = other_owner.open(1)
    return terms


@pytest.fixture
def elsewhere(target: Target) -> Iterator[socket.socket]:
    """A socket of the attacker's, in no call."""
    with open_client(target.relay.public) as opened:
        yield opened


@pytest.fixture(autouse=True)
def unmoved(target: Target) -> Iterator[None]:
    """Whatever a test does: every call stays where it is, and loses nothing."""
    began_ns = time.monotonic_ns()
    selected = target.live.owner.selected()
    bindings = target.live.owner.bindings(0)
    yield
    target.live.wait_until_all_flow()
    target.live.assert_nothing_lost_since(began_ns)
    assert target.live.owner.selected() == selected
    assert target.live.owner.bindings(0) == bindings
    assert not target.live.callers.misdelivered


def total(datagrams: list[bytes]) -> int:
    return sum(map(len, datagrams))


def wait_for_drops(target: Target, before: Counter[str], expected: dict[str, int]) -> None:
    def dropped() -> Counter[str]:
        drops = Counter(target.relay.drops())
        drops.subtract(before)
        return +drops

    wait_until(lambda: dropped() == expected, f"the relay counts {expected}, not {dropped()}", 10)


def test_a_replayed_check_draws_no_more_than_the_allowance(
    target: Target, elsewhere: socket.socket
) -> None:
    check = connectivity_check(target.terms)
    before = Counter(target.relay.drops())
    for _ in range(3):
        elsewhere.send(check)
    sent = 3 * len(check)
    wait_until(lambda: target.live.owner.bindings(0) and total(received(elsewhere)), "an answer")
    [tunnel] = target.relay.tunnels
    source = elsewhere.getsockname()
    target.live.owner.say_to(source, tunnel, [BLOW] * BLOWS)
    wait_until(
        lambda: (
            target.relay.drops().get("provisional_allowance", 0)
            > before["provisional_allowance"] + BLOWS - 2
        ),
        "the relay holds back what is beyond the allowance",
    )
    assert total(received(elsewhere)) <= ALLOWANCE * sent


def test_an_attackers_own_session_moves_no_bound_flow(
    target: Target, other_owner: StandInOwner, attackers_terms: CallTerms
) -> None:
    heard_before = target.live.callers.other_bytes[0]
    forwarded_before = target.checks_forwarded()
    checks = [connectivity_check(attackers_terms) for _ in range(5)]
    with forging(target.victim) as forger:
        for check in checks:
            forger.sendto(check, target.relay.public)
            forger.sendto(MEDIA, target.relay.public)
        wait_until(
            lambda: target.checks_forwarded() >= forwarded_before + len(checks),
            "the checks go to the attacker's own owner",
        )
        target.live.wait_until_all_flow()
    assert other_owner.validated() == 0
    drawn = target.live.callers.other_bytes[0] - heard_before
    assert drawn <= ALLOWANCE * sum(len(check) + len(MEDIA) for check in checks)


def test_a_spoofed_bystander_gets_no_more_than_the_allowance(
    target: Target,
    other_owner: StandInOwner,
    attackers_terms: CallTerms,
    elsewhere: socket.socket,
) -> None:
    """Even when the attacker's owner would send as much as it can."""
    bystander: Address = elsewhere.getsockname()
    before = Counter(target.relay.drops())
    forwarded_before = target.checks_forwarded()
    check = connectivity_check(attackers_terms)
    with forging(bystander) as forger:
        for _ in range(3):
            forger.sendto(check, target.relay.public)
        forger.sendto(MEDIA, target.relay.public)
        sent = 3 * len(check) + len(MEDIA)
        wait_until(lambda: target.checks_forwarded() >= forwarded_before + 3, "checks pass")
        [tunnel] = target.relay.tunnels
        other_owner.say_to(bystander, tunnel, [BLOW] * BLOWS)
        wait_until(
            lambda: (
                target.relay.drops().get("provisional_allowance", 0)
                > before["provisional_allowance"] + BLOWS - 2
            ),
            "the relay holds back what is beyond the allowance",
        )
    drawn = total(received(elsewhere))
    assert 0 < drawn <= ALLOWANCE * sent


def signed(ufrag: str, cluster: Cluster) -> bytes:
    return cluster.check(ufrag.encode())


def mint(
    target: Target, *, keys: Cluster | None = None, cluster_id: int = 0, age_s: int = 0
) -> bytes:
    """A check that is right but for what is asked for, as its ufrag's minter could send it."""
    minter = keys or target.cluster
    owner = Owner("127.0.0.1", 9, cluster_id, 0, int(time.time()) + 600 - age_s)
    ufrag = UfragMinter(minter.keys).mint(owner, secrets.token_bytes(RANDOM_BYTES))
    return signed(ufrag, minter)


def guessed(target: Target) -> bytes:
    blocks = b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return signed(target.terms.owner.ufrag[0] + blocks, target.cluster)


def wrongly_signed(target: Target) -> bytes:
    wrong = IceCredentials(target.terms.owner.ufrag, "x" * 24)
    return connectivity_check(CallTerms(wrong, target.terms.client, 0))


FORGERIES = {
    "a guessed ufrag": (guessed, "ufrag_check"),
    "another cluster's keys": (lambda target: mint(target, keys=Cluster(bytes(32))), "ufrag_check"),
    "an expired ufrag": (lambda target: mint(target, age_s=3600), "ufrag_expired"),
    "a cluster that shares the keys": (
        lambda target: mint(target, cluster_id=1),
        "foreign_cluster",
    ),
    "a ufrag without its password": (wrongly_signed, "integrity"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_check_draws_nothing(
    target: Target, elsewhere: socket.socket, forgery: str
) -> None:
    forge, reason = FORGERIES[forgery]
    before = Counter(target.relay.drops())
    for _ in range(3):
        elsewhere.send(forge(target))
        elsewhere.send(MEDIA)
    wait_for_drops(target, before, {reason: 3, "no_flow": 3})
    assert received(elsewhere) == []


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_check_from_a_clients_own_address_draws_nothing(
    target: Target, forgery: str
) -> None:
    """The owner refuses what names its own call, which the relay has seen authenticated."""
    forge, reason = FORGERIES[forgery]
    before = Counter(target.relay.drops())
    heard_before = target.live.callers.other_bytes[0]
    forwarded_before = target.checks_forwarded()
    with forging(target.victim) as forger:
        for _ in range(3):
            forger.sendto(forge(target), target.relay.public)
        if reason == "integrity":
            wait_until(lambda: target.checks_forwarded() == forwarded_before + 3, "it is judged")
        else:
            wait_for_drops(target, before, {reason: 3})
        target.live.wait_until_all_flow()
    assert target.live.callers.other_bytes[0] == heard_before


def with_smuggled_nomination(check: bytes) -> bytes:
    """USE-CANDIDATE after MESSAGE-INTEGRITY, where anybody on the path can add it."""
    fingerprint_at = len(check) - 8
    body = check[20:fingerprint_at] + struct.pack(">HH", stun.USE_CANDIDATE, 0)
    message = check[:2] + struct.pack(">H", len(body) + 8) + check[4:20] + body
    fingerprint = crc32(message) ^ STUN_COOKIE_XOR
    return message + struct.pack(">HHI", stun.FINGERPRINT, 4, fingerprint)


def test_a_smuggled_nomination_selects_nothing(target: Target, elsewhere: socket.socket) -> None:
    """In silence, while the client has a second address, proven and not nominated."""
    owner, callers = target.live.owner, target.live.callers
    terms, home, second = callers.terms[-1], callers.address(-1), elsewhere.getsockname()
    callers.hush()
    owner.speak(False)
    elsewhere.send(connectivity_check(terms, use_candidate=False))

    def proven() -> bool:
        for datagram in received(elsewhere):
            answer = answer_to(datagram, terms, target.relay.public)
            if answer is not None:
                elsewhere.send(answer)
        return owner.bindings(-1).get(second, False)

    wait_until(proven, "the second address is proven")
    answered = len(received(elsewhere))
    smuggled = with_smuggled_nomination(connectivity_check(terms, use_candidate=False))
    elsewhere.send(smuggled)
    wait_until(lambda: answered + len(received(elsewhere)) > 0, "the check is answered")
    assert owner.selected()[-1] == home

    def nominated() -> bool:
        elsewhere.send(connectivity_check(terms))
        return owner.selected()[-1] == second

    wait_until(nominated, "a genuine nomination moves the call")
    callers.check()
    wait_until(lambda: owner.selected()[-1] == home, "and another one moves it back")
    callers.speak()
    owner.speak(True)


def test_media_with_a_stolen_ssrc_moves_no_flow_and_is_limited(
    target: Target, elsewhere: socket.socket
) -> None:
    packets = 2000
    before = Counter(target.relay.drops())
    stolen = MEDIA[:8] + struct.pack(">I", target.terms.ssrc) + MEDIA[12:]
    for _ in range(packets):
        elsewhere.send(stolen)
    wait_until(
        lambda: target.relay.drops().get("ssrc_rate", 0) > before["ssrc_rate"] + packets / 2,
        "the relay holds back what is more than one client sends",
    )
    assert received(elsewhere) == []

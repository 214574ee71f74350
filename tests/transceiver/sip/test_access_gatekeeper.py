from collections.abc import Callable

import pytest
from sipmessage import URI

from tests.transceiver.sip.access_driver import (
    CREDENTIALS,
    PHONE,
    STRANGER,
    TRUNK,
    TRUNKS,
    WEBSOCKET,
    Client,
    Host,
    access,
    challenge_of,
    line,
    request,
)
from transceiver.sip.access_gatekeeper import Unproven
from transceiver.sip.digest import DigestAlgorithm, digest_parameters
from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller, Refusal, Silence, Verdict
from transceiver.sip.guess_limiter import BURST
from transceiver.sip.nonces import LIFETIME_S
from transceiver.sip.sip_config import SipConfig

ALICE = Caller("alice", is_trunk=False)
CARRIER, EXCHANGE = Caller("carrier", is_trunk=True), Caller("exchange", is_trunk=True)
BEGINNINGS = ["INVITE", "REGISTER"]
OTHERS = ["OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NONSENSE"]


@pytest.fixture
def host() -> Host:
    return Host()


def judged(host: Host, method: str, sender: str, flow: Flow, now: float = 1.0) -> Verdict:
    return host.workers[0].gatekeeper.judge(request(method, sender), flow, now)


def proven(host: Host, client: Client, flow: Flow, sender: str, method: str = "INVITE") -> Verdict:
    asked = request(method, sender)
    gatekeeper = host.workers[0].gatekeeper
    return gatekeeper.judge(client.answer(asked, gatekeeper.judge(asked, flow, 1.0)), flow, 2.0)


def is_silence(verdict: Verdict) -> bool:
    return isinstance(verdict, Silence)


def is_stale(verdict: Verdict) -> bool:
    return all("stale" in digest_parameters(each) for each in challenge_of(verdict))


@pytest.mark.parametrize("method", ["INVITE", *OTHERS])
def test_a_trunk_is_known_by_its_address(host: Host, method: str) -> None:
    assert judged(host, method, "+15550100", TRUNK) == CARRIER
    assert judged(host, method, "+15550100", STRANGER) != CARRIER


def test_a_websocket_is_no_trunk_wherever_it_comes_from(host: Host) -> None:
    flow = Flow(WEBSOCKET.edge, WEBSOCKET.transport, TRUNK.remote, WEBSOCKET.connection)
    assert isinstance(judged(host, "INVITE", "+15550100", flow), Refusal)


@pytest.mark.parametrize(
    ("named", "reached"),
    [
        ("203.0.113.9:5080", True),
        ("[::ffff:203.0.113.9]", True),
        ("SBC.example.com", True),
        ("127.0.0.1", False),
        ("internal.example.com", False),
        ("[::1]", False),
    ],
)
def test_requests_go_to_trunks_alone(named: str, reached: bool) -> None:
    called = '\n[[trunks]]\nname = "sbc"\nuri = "sip:sbc.example.com;transport=tls"\n'
    gatekeeper = Host(access(TRUNKS + called)).workers[0].gatekeeper
    assert gatekeeper.may_reach(URI.parse(f"sip:somebody@{named}")) is reached


def test_an_ipv4_address_in_ipv6_is_the_same_trunks(host: Host) -> None:
    mapped = Flow(TRUNK.edge, TRUNK.transport, (f"::ffff:{TRUNK.remote[0]}", 5060))
    assert judged(host, "INVITE", "+15550100", mapped) == CARRIER


def test_another_trunk_proves_itself_wherever_it_is(host: Host) -> None:
    assert proven(host, Client("pbx"), STRANGER, "+15550100") == EXCHANGE


def test_one_that_has_networks_and_a_user_needs_both() -> None:
    config = TRUNKS.replace('user = "pbx"', 'user = "pbx"\nnetworks = ["192.0.2.66"]')
    host = Host(access(config))
    assert judged(host, "INVITE", "+15550100", STRANGER) != EXCHANGE
    assert proven(host, Client("pbx"), STRANGER, "+15550100") == EXCHANGE
    challenge_of(proven(host, Client("pbx"), PHONE, "+15550100"))


@pytest.mark.parametrize("flow", [PHONE, WEBSOCKET])
@pytest.mark.parametrize("method", BEGINNINGS)
def test_a_phone_proves_itself(host: Host, method: str, flow: Flow) -> None:
    assert proven(host, Client("alice"), flow, "alice", method) == ALICE


def test_a_phone_registers_through_a_trunks_proxy_by_itself(host: Host) -> None:
    assert proven(host, Client("alice"), TRUNK, "alice", "REGISTER") == ALICE


@pytest.mark.parametrize("method", OTHERS)
def test_strangers_hear_nothing_but_challenges_to_what_phones_begin_with(
    host: Host, method: str
) -> None:
    assert is_silence(judged(host, method, "alice", STRANGER))
    assert host.workers[0].unproven == {Unproven.STRANGER: 1}


@pytest.mark.parametrize("method", [*BEGINNINGS, *OTHERS])
@pytest.mark.parametrize(
    ("config", "credentials"),
    [
        (TRUNKS.partition("\n\n")[0], ""),
        ("", ""),
        ('[phones]\nnetworks = ["198.51.100.0/24"]', CREDENTIALS),
        ('[phones]\ndomains = ["other.example"]', CREDENTIALS),
    ],
)
def test_nothing_at_all_where_no_phone_is(method: str, config: str, credentials: str) -> None:
    host = Host(access(config, credentials))
    assert is_silence(judged(host, method, "alice", STRANGER))


def test_phones_are_where_they_may_be() -> None:
    config = '[phones]\nnetworks = ["198.51.100.0/24"]\ndomains = ["ANTIPHON.example"]'
    host = Host(access(config))
    assert proven(host, Client("alice"), PHONE, "alice") == ALICE


@pytest.mark.parametrize("method", BEGINNINGS)
def test_who_does_not_exist_hears_the_same_as_who_has_a_wrong_password(method: str) -> None:
    def heard(user: str) -> tuple[Verdict, Verdict]:
        host, asked = Host(), request(method, user)
        first = host.workers[0].gatekeeper.judge(asked, STRANGER, 1.0)
        again = Client(user, "guess").answer(asked, first)
        return first, host.workers[0].gatekeeper.judge(again, STRANGER, 2.0)

    assert heard("alice") == heard("carol")
    assert not is_stale(heard("alice")[1])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value.replace("qop=auth, ", ""),
        lambda value: value.replace("nc=00000001", "nc=1"),
        lambda value: value.replace("algorithm=MD5", "algorithm=SHA-256"),
        lambda value: value.replace('username="alice"', 'username="bob"'),
        lambda value: value.replace("cnonce", "nonsense"),
        lambda value: value.replace('uri="sip:100', 'uri="sip:200'),
        lambda value: value.replace('response="', 'response="0'),
        lambda value: value.replace("antiphon.example", "[["),
    ],
)
def test_credentials_that_are_not_as_asked_for_are_wrong(
    host: Host, spoil: Callable[[str], str]
) -> None:
    asked, gatekeeper = request("INVITE"), host.workers[0].gatekeeper
    again = Client("alice").answer(asked, gatekeeper.judge(asked, PHONE, 1.0))
    again.headers.set("Authorization", spoil(again.headers["Authorization"]))
    assert not is_stale(gatekeeper.judge(again, PHONE, 2.0))
    assert host.workers[0].unproven[Unproven.WRONG] == 1


def test_credentials_of_one_request_are_not_anothers(host: Host) -> None:
    gatekeeper = host.workers[0].gatekeeper
    asked, other = request("INVITE"), request("REGISTER")
    again = Client("alice").answer(asked, gatekeeper.judge(asked, PHONE, 1.0))
    other.headers.set("Authorization", again.headers["Authorization"])
    assert not is_stale(gatekeeper.judge(other, PHONE, 2.0))


def test_those_for_a_proxy_on_the_way_are_passed_over(host: Host) -> None:
    asked, gatekeeper = request("INVITE"), host.workers[0].gatekeeper
    again = Client("alice").answer(asked, gatekeeper.judge(asked, PHONE, 1.0))
    ours = again.headers["Authorization"]
    others = ['Digest realm="proxy", nonce="1"', "Bearer x", ours]
    again.headers.setlist("Authorization", others)
    assert gatekeeper.judge(again, PHONE, 2.0) == ALICE


def test_what_was_overheard_is_of_no_use(host: Host) -> None:
    asked, gatekeeper = request("INVITE"), host.workers[0].gatekeeper
    again = Client("alice").answer(asked, gatekeeper.judge(asked, PHONE, 1.0))
    assert is_stale(gatekeeper.judge(again, STRANGER, 2.0))
    assert gatekeeper.judge(again, PHONE, 2.0) == ALICE
    assert is_stale(gatekeeper.judge(again, PHONE, 2.0))
    assert host.workers[0].unproven[Unproven.WRONG] == 0


def test_nor_is_it_at_another_worker() -> None:
    host, asked = Host(workers=2), request("INVITE")
    one, other = (worker.gatekeeper for worker in host.workers)
    again = Client("alice").answer(asked, one.judge(asked, PHONE, 1.0))
    stale = other.judge(again, PHONE, 2.0)
    assert is_stale(stale)
    assert other.judge(Client("alice").answer(asked, stale), PHONE, 2.0) == ALICE


def test_an_old_nonce_is_stale(host: Host) -> None:
    asked, gatekeeper = request("INVITE"), host.workers[0].gatekeeper
    again = Client("alice").answer(asked, gatekeeper.judge(asked, PHONE, 1.0))
    assert is_stale(gatekeeper.judge(again, PHONE, 2.0 + LIFETIME_S))


def test_both_algorithms_are_offered_where_everybody_has_both() -> None:
    both = line("alice", DigestAlgorithm.MD5, DigestAlgorithm.SHA256)
    host, asked = Host(access("", both)), request("INVITE")
    gatekeeper = host.workers[0].gatekeeper
    refusal = gatekeeper.judge(asked, PHONE, 1.0)
    offered = [digest_parameters(each)["algorithm"] for each in challenge_of(refusal)]
    assert offered == ["SHA-256", "MD5"]


@pytest.mark.parametrize("algorithm", DigestAlgorithm)
def test_a_phone_proves_itself_by_either(algorithm: DigestAlgorithm) -> None:
    host = Host(access("", line("alice", algorithm)))
    assert proven(host, Client("alice"), PHONE, "alice") == ALICE


def test_a_network_that_guesses_too_often_goes_unheard_and_others_do_not(host: Host) -> None:
    asked, gatekeeper = request("REGISTER"), host.workers[0].gatekeeper
    guesser = Client("alice", "guess")
    for _ in range(int(BURST)):
        gatekeeper.judge(
            guesser.answer(asked, gatekeeper.judge(asked, STRANGER, 1.0)), STRANGER, 1.0
        )
    assert is_silence(gatekeeper.judge(asked, STRANGER, 1.0))
    assert proven(host, Client("alice"), PHONE, "alice") == ALICE


def test_a_phone_that_is_registered_is_heard_though_its_network_guesses(host: Host) -> None:
    control, asked = host.workers[0], request("REGISTER", body="Contact: <sip:alice@198.51.100.7>")
    control.registrar.register(asked, ALICE, PHONE, 1.0)
    neighbour = Flow(PHONE.edge, PHONE.transport, ("198.51.100.8", 5060))
    guesser, gatekeeper = Client("alice", "guess"), control.gatekeeper
    for _ in range(int(BURST)):
        gatekeeper.judge(
            guesser.answer(asked, gatekeeper.judge(asked, neighbour, 1.0)), neighbour, 1.0
        )
    assert is_silence(gatekeeper.judge(asked, neighbour, 1.0))
    assert proven(host, Client("alice"), PHONE, "alice") == ALICE


@pytest.mark.parametrize("method", OTHERS)
def test_a_registered_phone_may_ask_whatever_phones_ask(host: Host, method: str) -> None:
    asked = request("REGISTER", body="Contact: <sip:alice@198.51.100.7>")
    host.workers[0].registrar.register(asked, ALICE, PHONE, 1.0)
    assert judged(host, method, "alice", PHONE) == ALICE
    other_port = Flow(PHONE.edge, PHONE.transport, (PHONE.remote[0], 5061))
    assert is_silence(judged(host, method, "alice", other_port))
    assert is_silence(judged(host, method, "alice", PHONE, now=1e6))


def test_but_not_call_by_where_it_is_alone(host: Host) -> None:
    asked = request("REGISTER", body="Contact: <sip:alice@198.51.100.7>")
    host.workers[0].registrar.register(asked, ALICE, PHONE, 1.0)
    challenge_of(judged(host, "INVITE", "alice", PHONE))


def test_a_phone_calls_in_its_own_name_or_in_none(host: Host) -> None:
    assert proven(host, Client("alice"), PHONE, "bob") == Refusal(403)
    assert host.workers[0].unproven[Unproven.PRETENDER] == 1
    asked, gatekeeper = request("INVITE"), host.workers[0].gatekeeper
    asked.headers.set("From", "Anonymous <sip:anonymous@anonymous.invalid>;tag=1")
    again = Client("alice").answer(asked, gatekeeper.judge(asked, PHONE, 1.0))
    assert gatekeeper.judge(again, PHONE, 2.0) == ALICE


def test_files_that_change_are_heeded_at_once(host: Host) -> None:
    asked = request("REGISTER", body="Contact: <sip:alice@198.51.100.7>")
    host.workers[0].registrar.register(asked, ALICE, PHONE, 1.0)
    host.access[0].become(access(TRUNKS, line("pbx")))
    assert is_silence(judged(host, "OPTIONS", "alice", PHONE))
    assert len(host.workers[0].registrations) == 0
    challenge_of(proven(host, Client("alice"), PHONE, "alice"))
    host.access[0].become(access("", CREDENTIALS))
    assert SipConfig() == host.access[0].now.config
    assert judged(host, "OPTIONS", "alice", TRUNK) != CARRIER

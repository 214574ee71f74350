import pytest

from tests.transceiver.sip.access_driver import (
    PHONE,
    STRANGER,
    TRUNKS,
    WEBSOCKET,
    Host,
    access,
    line,
    request,
)
from transceiver.sip import registrations
from transceiver.sip.application import Reply
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.registrar import MAX_EXPIRES_S, MIN_EXPIRES_S, NAT_EXPIRES_S
from transceiver.sip.registrations import MAX_CONTACTS, MEMORY_S

ALICE = Caller("alice", is_trunk=False)
CONTACT = "Contact: <sip:alice@198.51.100.7>"


class Phone:
    """Registers at a worker of a host, with another CSeq each time."""

    def __init__(self, host: Host, call_id: str = "call", flow: Flow = PHONE) -> None:
        self._host = host
        self._call_id = call_id
        self._flow = flow
        self.cseq = 0

    def register(
        self, *headers: str, now: float = 1.0, worker: int = 0, caller: Caller = ALICE
    ) -> Reply:
        self.cseq += 1
        asked = request("REGISTER", call_id=self._call_id, cseq=self.cseq, body="\n".join(headers))
        return self._host.workers[worker].registrar.register(asked, caller, self._flow, now)


@pytest.fixture
def host() -> Host:
    return Host(workers=2)


@pytest.fixture
def phone(host: Host) -> Phone:
    return Phone(host)


def contacts(reply: Reply) -> list[str]:
    assert reply.status == 200
    return [value for name, value in reply.headers if name == "Contact"]


def places(host: Host, now: float = 1.0, worker: int = 0) -> list[str]:
    return [binding.contact for binding in host.workers[worker].registrar.lookup("alice", now)]


def test_a_phone_is_found_by_every_worker_until_its_registration_ends(
    host: Host, phone: Phone
) -> None:
    reply = phone.register(CONTACT, "Expires: 600")
    assert contacts(reply) == ["<sip:alice@198.51.100.7>;expires=600"]
    for worker in (0, 1):
        (binding,) = host.workers[worker].registrar.lookup("alice", 600.9)
        assert (binding.contact, binding.flow) == ("sip:alice@198.51.100.7", PHONE)
        assert host.workers[worker].registrations.user_at(PHONE, 600.9) == "alice"
        assert places(host, 601.1, worker) == []
        assert host.workers[worker].registrations.user_at(PHONE, 601.1) is None


def test_asks_without_contacts_change_nothing(host: Host, phone: Phone) -> None:
    phone.register(CONTACT)
    told = host.told
    assert len(contacts(phone.register())) == 1
    assert host.told == told


@pytest.mark.parametrize(
    ("headers", "granted"),
    [
        ([CONTACT], MAX_EXPIRES_S),
        ([CONTACT, "Expires: 120"], 120),
        ([f"{CONTACT};expires=120", "Expires: 600"], 120),
        ([CONTACT, "Expires: 99999999999999"], MAX_EXPIRES_S),
        ([CONTACT, "Expires: soon"], MAX_EXPIRES_S),
        (["Contact: <sip:alice@192.168.1.2>"], NAT_EXPIRES_S),
        (["Contact: <sip:alice@198.51.100.7:5062>"], NAT_EXPIRES_S),
    ],
)
def test_how_long_is_granted(phone: Phone, headers: list[str], granted: int) -> None:
    assert contacts(phone.register(*headers))[0].endswith(f";expires={granted}")


def test_what_is_too_short_is_refused_with_what_is_not(host: Host, phone: Phone) -> None:
    refused = phone.register(CONTACT, "Expires: 10")
    assert refused == Reply(423, (("Min-Expires", str(MIN_EXPIRES_S)),))
    assert places(host) == []


def test_a_phone_takes_its_contact_back(host: Host, phone: Phone) -> None:
    phone.register(CONTACT)
    assert contacts(phone.register(f"{CONTACT};expires=0", worker=1, now=2.0)) == []
    assert places(host, 2.0) == []


def test_quoted_commas_part_no_contacts(host: Host, phone: Phone) -> None:
    reply = phone.register('Contact: "A, B" <sip:a@b>;x="1, 2", <sip:c@d>;y="3"')
    assert [each.partition(";")[0] for each in contacts(reply)] == ["<sip:a@b>", "<sip:c@d>"]


def test_or_all_of_them(host: Host, phone: Phone) -> None:
    phone.register(CONTACT)
    phone.register("Contact: <sip:alice@192.0.2.1>")
    assert phone.register("Contact: *", "Expires: 600", now=2.0).status == 400
    assert len(places(host, 2.0)) == 2
    assert contacts(phone.register("Contact: *", "Expires: 0", now=3.0)) == []
    assert places(host, 3.0, worker=1) == []


@pytest.mark.parametrize(
    "same",
    ["sip:alice@ANTIPHON.example;Ob;transport=TCP", "sip:alice@antiphon.example;transport=tcp;ob"],
)
def test_equal_contacts_are_one(host: Host, phone: Phone, same: str) -> None:
    phone.register("Contact: <sip:alice@antiphon.example;ob;transport=tcp>")
    phone.register(f"Contact: <{same}>", now=2.0)
    assert len(places(host, 2.0)) == 1


def test_one_instance_has_one_contact_however_it_moves(host: Host) -> None:
    """https://www.rfc-editor.org/rfc/rfc5626#section-6"""
    instance = ';reg-id=1;+sip.instance="<urn:uuid:1>"'
    Phone(host).register(f"Contact: <sip:1@one.invalid>{instance}")
    reply = Phone(host, "another", WEBSOCKET).register(
        f"Contact: <sip:2@two.invalid;transport=ws>{instance}", "Supported: path, outbound", now=2.0
    )
    assert places(host, 2.0) == ["sip:2@two.invalid;transport=ws"]
    assert ("Require", "outbound") in reply.headers
    assert host.workers[1].registrations.user_at(PHONE, 2.0) is None


def test_outbound_is_promised_only_where_pings_are_answered(phone: Phone) -> None:
    reply = phone.register(
        f'{CONTACT};reg-id=1;+sip.instance="<urn:uuid:1>"', "Supported: outbound"
    )
    assert contacts(reply)
    assert ("Require", "outbound") not in reply.headers


def test_the_newest_place_is_the_first(host: Host) -> None:
    Phone(host).register(CONTACT, now=1.0)
    Phone(host, "another").register("Contact: <sip:alice@192.0.2.1>", now=2.0)
    assert places(host, 3.0) == ["sip:alice@192.0.2.1", "sip:alice@198.51.100.7"]


def test_the_way_through_proxies_is_kept(host: Host, phone: Phone) -> None:
    """https://www.rfc-editor.org/rfc/rfc3327"""
    reply = phone.register(CONTACT, "Path: <sip:p1.example;lr>,<sip:p2.example;lr>")
    paths = ("<sip:p1.example;lr>", "<sip:p2.example;lr>")
    assert tuple(value for name, value in reply.headers if name == "Path") == paths
    assert host.workers[1].registrar.lookup("alice", 1.0)[0].path == paths


def test_what_comes_out_of_order_is_refused(host: Host, phone: Phone) -> None:
    phone.register(CONTACT)
    phone.cseq = 0
    assert phone.register(f"{CONTACT};expires=0").status == 500
    assert len(places(host)) == 1


def test_nobody_registers_for_somebody_else(host: Host, phone: Phone) -> None:
    assert phone.register(CONTACT, caller=Caller("bob", is_trunk=False)) == Reply(403)
    assert phone.register(CONTACT, caller=Caller("alice", is_trunk=True)) == Reply(403)
    assert places(host) == []


@pytest.mark.parametrize(
    "header",
    [
        "Contact: *, <sip:a@b>",
        "Contact: <mailto:alice@example.org>",
        "Contact: <tel:+15550100>",
        "Contact: <sip:",
        f"Contact: <sip:alice@{'a' * 600}.example>",
        "Contact: " + ", ".join(f"<sip:{i}@b>" for i in range(MAX_CONTACTS + 1)),
        f"{CONTACT};+sip.instance={'a' * 600}",
        f"{CONTACT}\nPath: <sip:",
        f"{CONTACT}\nPath: " + ", ".join(["<sip:p;lr>"] * 9),
    ],
)
def test_what_cannot_be_kept_is_refused(host: Host, phone: Phone, header: str) -> None:
    assert phone.register(header).status == 400
    assert places(host) == []


def test_so_is_a_call_id_of_any_length(host: Host) -> None:
    assert Phone(host, "x" * 1000).register(CONTACT).status == 400
    assert places(host) == []


def test_a_user_has_so_many_contacts_and_the_newest_ones(host: Host, phone: Phone) -> None:
    for i in range(MAX_CONTACTS + 3):
        phone.register(f"Contact: <sip:{i}@198.51.100.7>;expires=600", now=float(i))
    for worker in (0, 1):
        assert len(places(host, 20.0, worker)) == MAX_CONTACTS
        assert places(host, 20.0, worker)[0] == f"sip:{MAX_CONTACTS + 2}@198.51.100.7"


def test_who_is_taken_out_of_the_file_is_nowhere(host: Host, phone: Phone) -> None:
    phone.register(CONTACT)
    for current in host.access:
        current.become(access(TRUNKS, f"{line('bob')}\n{line('pbx')}"))
    assert places(host) == []
    assert [len(worker.registrations) for worker in host.workers] == [0, 0]


def test_a_connection_that_is_gone_leads_nowhere(host: Host) -> None:
    Phone(host, flow=WEBSOCKET).register(CONTACT)
    Phone(host, "another").register("Contact: <sip:alice@192.0.2.1>")
    host.workers[1].registrations.end_flow(WEBSOCKET, 2.0)
    host.workers[1].registrations.end_flow(STRANGER, 2.0)
    for worker in (0, 1):
        assert places(host, 2.0, worker) == ["sip:alice@192.0.2.1"]


def test_a_proxys_connection_is_many_phones(host: Host) -> None:
    Phone(host, flow=WEBSOCKET).register(CONTACT)
    known = host.workers[0].registrations
    assert known.user_at(WEBSOCKET, 1.0) == "alice"
    asked = request("REGISTER", "bob", call_id="bob's", body="Contact: <sip:bob@192.0.2.1>")
    bob = Caller("bob", is_trunk=False)
    assert host.workers[0].registrar.register(asked, bob, WEBSOCKET, 1.0).status == 200
    assert known.user_at(WEBSOCKET, 1.0) is None
    assert known.knows(WEBSOCKET, 1.0)
    assert not known.knows(PHONE, 1.0)
    known.end_flow(WEBSOCKET, 2.0)
    assert not host.workers[1].registrar.lookup("bob", 2.0)
    assert not places(host, 2.0)


def test_a_worker_that_begins_again_learns_what_its_siblings_know(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MAX_CONTACTS):
        Phone(host, f"call {number}").register(f"Contact: <sip:{number}@198.51.100.7>")
    told = host.told
    monkeypatch.setattr(registrations, "MAX_NEWS_BYTES", 1000)
    host.begin_again(1)
    assert host.told > told + 2
    assert sorted(places(host, worker=1)) == sorted(places(host))
    assert len(places(host)) == MAX_CONTACTS


def test_nothing_is_kept_of_what_ended_a_while_ago(host: Host, phone: Phone) -> None:
    phone.register(CONTACT, "Expires: 60")
    for known in (worker.registrations for worker in host.workers):
        known.tick(61.0)
        assert len(known) == 1
        known.tick(61.1 + MEMORY_S)
        assert len(known) == 0
        assert known.__dict__["_users"] == known.__dict__["_flows"] == {}


def test_a_flow_over_tcp_is_no_nats(host: Host) -> None:
    flow = Flow(PHONE.edge, SipTransport.TCP, ("198.51.100.7", 40000), 9)
    reply = Phone(host, flow=flow).register("Contact: <sip:alice@192.168.1.2;transport=tcp>")
    assert contacts(reply)[0].endswith(f";expires={MAX_EXPIRES_S}")

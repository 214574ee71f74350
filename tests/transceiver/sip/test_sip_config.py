import pickle
from ipaddress import ip_network

import pytest
from sipmessage import URI

from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.signaling.api_keys import KeyLimits
from transceiver.sip.access import SipAccess
from transceiver.sip.dial_plan import Announce, Answer, Reject, dialled
from transceiver.sip.digest_client import Login
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.sip_config import SipConfig, SipConfigError

FILE = """
[[trunks]]
name = "carrier"
networks = ["203.0.113.0/24", "2001:db8::/32", "192.0.2.1"]
user = "inbound"
uri = "sip:sip.carrier.example:5061;transport=tls"
username = "4711"
password = "hunter2"
caller-id = "+15551234567"
media = "sdes"
sessions = 20

[[trunks]]
name = "pbx"
networks = ["10.0.0.0/8"]

[phones]
domains = ["Antiphon.Example"]
sessions = 2

[[dial-plan]]
number = ["100", "_+1555XXXX"]
from = "carrier"
session = { instructions = "You sell tea.", audio = { output = { voice = "en-us" } } }
greeting = "Say hello."

[[dial-plan]]
from = ["phones", "pbx"]
webhook = true

[[dial-plan]]
number = "_0."
reject = 403
"""
CARRIER, PHONE = Caller("carrier", is_trunk=True), Caller("alice", is_trunk=False)


def test_reads_a_trunk() -> None:
    trunk, other = SipConfig.parse(FILE).trunks
    assert trunk.networks[1:] == (ip_network("2001:db8::/32"), ip_network("192.0.2.1/32"))
    assert trunk.login == Login("4711", "hunter2")
    assert (trunk.user, trunk.caller_id, trunk.media) == (
        "inbound",
        "+15551234567",
        MediaSecurity.SDES,
    )
    assert trunk.limits == KeyLimits(20)
    assert (other.media, other.login, other.uri) == (MediaSecurity.NONE, None, None)


def test_the_first_rule_that_fits_decides() -> None:
    plan = SipConfig.parse(FILE).dial_plan

    def action(number: str, caller: Caller) -> object:
        return plan.action(URI.parse(f"sip:{number}@antiphon.example"), caller)

    answer = action("+15550000", CARRIER)
    assert isinstance(answer, Answer)
    assert answer.session.instructions == "You sell tea."
    assert answer.greeting == "Say hello."
    assert action("100", CARRIER) == answer
    assert action("100", PHONE) == Announce()
    assert action("01", PHONE) == Announce()
    assert action("01", CARRIER) == Reject(403)
    assert action("1", CARRIER) == Announce()


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+1-555-0100@h", "+15550100"),
        ("tel:+1(555)0100", "+15550100"),
        ("sip:*97@h", "*97"),
        ("sip:%23100@h", "#100"),
        ("sip:h", ""),
    ],
)
def test_numbers_are_compared_without_what_only_people_read(uri: str, number: str) -> None:
    assert dialled(URI.parse(uri)) == number


@pytest.mark.parametrize(
    ("text", "sessions"), [("", 10), ("[phones]\nsessions = 2", 2), ("[phones]\nsessions = 0", 0)]
)
def test_a_phone_has_so_many_calls_unless_the_file_says_otherwise(text: str, sessions: int) -> None:
    assert SipAccess(SipConfig.parse(text)).limits(PHONE) == KeyLimits(sessions)


def test_an_empty_file_has_everything_announced() -> None:
    config = SipConfig.parse("")
    assert config == SipConfig()
    assert config.dial_plan.action(URI.parse("sip:1@h"), CARRIER) == Announce()


def test_files_that_say_the_same_are_equal_and_show_no_password() -> None:
    config = SipConfig.parse(FILE)
    assert pickle.loads(pickle.dumps(config)) == config == SipConfig.parse(f"# ours\n{FILE}")
    assert config != SipConfig.parse(FILE.replace("403", "404"))
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("trunks", "at end of document"),
        ("x = " + "[" * 5000, "recursion"),
        ("x = 1", r"unknown field `x`"),
        ("[[trunks]]", r"`name` - at `\$.trunks\[0\]`"),
        ('[[trunks]]\nname = "a"', r"trunks\[0\]: expected networks or a user"),
        ('[[trunks]]\nname = "phones"\nuser = "a"', r"trunks\[0\]: name: .* other than phones"),
        ('[[trunks]]\nname = "a"\nnetworks = ["x"]', r"trunks\[0\]: networks: 'x' does not"),
        ('[[trunks]]\nname = "a"\nnetworks = ["10.0.0.1/8"]', "networks: .* host bits"),
        ('[[trunks]]\nname = "a"\nuri = "mailto:a@b"', r"trunks\[0\]: uri: expected sip:HOST"),
        ('[[trunks]]\nname = "a"\nuri = "sip:b;transport=ws"', "uri: nobody is called"),
        ('[[trunks]]\nname = "a"\nuri = "sip:b"\npassword = "hunter2"', "need one another"),
        ('[[trunks]]\nname = "a"\nuri = "sip:b"\npassword = "hunter2', "at end of document"),
        ('[[trunks]]\nname = "a"\nuri = "sip:b"\nsessions = -1', "whole numbers"),
        ('[[trunks]]\nname = "a"\nuser = "a"\n' * 2, "two have the same name"),
        (
            '[[trunks]]\nname = "a"\nuser = "a"\n[[trunks]]\nname = "b"\nuser = "a"',
            "two have the same user",
        ),
        ("[phones]\nnetworks = [1]", r"`\$.phones.networks\[0\]`"),
        ("[[dial-plan]]", r"dial-plan\[0\]: expected one of"),
        ("[[dial-plan]]\nreject = 404\nwebhook = true", r"dial-plan\[0\]: expected one of"),
        ("[[dial-plan]]\nreject = 200", r"dial-plan\[0\]: reject: expected a status"),
        ('[[dial-plan]]\nwebhook = true\ngreeting = "x"', "greeting: only beside a session"),
        ('[[dial-plan]]\nreject = 404\nfrom = "carrier"', r"from: there is no trunk 'carrier'"),
        ('[[dial-plan]]\nreject = 404\nnumber = "_["', r"dial-plan\[0\]: number: "),
        ("[[dial-plan]]\nsession = { instruction = 1 }", "session: there is no 'instruction'"),
        ("[[dial-plan]]\nsession = { instructions = 1 }", r"session.instructions: Expected `str`"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_place(text: str, fault: str) -> None:
    with pytest.raises(SipConfigError, match=fault) as refused:
        SipConfig.parse(text)
    assert "hunter2" not in str(refused.value)

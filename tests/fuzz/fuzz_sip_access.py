"""SIP's gatekeeper and registrar: any request is judged, and any text is a file or refused."""

from sipmessage import Message, Request

from tests.transceiver.sip.access_driver import CREDENTIALS, PHONE, STRANGER, TRUNKS, Host, request
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.phone_credentials import PhoneCredentials, PhoneCredentialsError
from transceiver.sip.registrations import MAX_CONTACTS
from transceiver.sip.sip_config import SipConfig, SipConfigError

ALICE = Caller("alice", is_trunk=False)
CONTROL = Host().workers[0]
BINDING = (
    'Contact: "A" <sip:alice@198.51.100.7;ob>;expires=60;+sip.instance="<urn:uuid:1>";reg-id=1\n'
    "Path: <sip:proxy.example;lr>,<sip:198.51.100.9;lr>\nExpires: 600\nSupported: outbound"
)
PROOF = (
    'Authorization: Digest username="alice", realm="antiphon", nonce="x", uri="sip:100@h", '
    'response="0", algorithm=MD5, cnonce="y", qop=auth, nc=00000001'
)

SEEDS = [
    bytes(request("REGISTER", body=BINDING)),
    bytes(request("REGISTER", body="Contact: *\nExpires: 0")),
    bytes(request("INVITE", body=PROOF)),
    TRUNKS.encode(),
    b'[[dial-plan]]\nnumber = ["1", "_X[1-3]."]\nfrom = "phones"\nreject = 404\n',
    CREDENTIALS.encode(),
]


def one_input(data: bytes) -> None:
    """Judge `data` as a request, let it register, and read it as either file."""
    text = data.decode("latin-1")
    for parse, refused in (
        (SipConfig.parse, SipConfigError),
        (PhoneCredentials.parse, PhoneCredentialsError),
    ):
        try:
            parse(text)
        except refused:
            continue
    try:
        message = Message.parse(data)
    except ValueError:
        return
    if isinstance(message, Request):
        CONTROL.gatekeeper.judge(message, STRANGER, 1.0)
        reply = CONTROL.registrar.register(message, ALICE, PHONE, 1.0)
        assert reply.status in (200, 400, 403, 423, 500)
        assert len(CONTROL.registrar.lookup("alice", 1.0)) <= MAX_CONTACTS

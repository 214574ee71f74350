"""Requests as phones and trunks send them, and a worker's access control to send them to."""

from random import Random

from sipmessage import Request, Response

from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.sip.access_control import AccessControl
from transceiver.sip.digest import DigestAlgorithm
from transceiver.sip.digest_client import DigestAuthenticator, Login
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Refusal, Verdict
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.sip.sip_config import SipConfig

EDGE = ("10.0.0.1", 7000)
PHONE = Flow(EDGE, SipTransport.UDP, ("198.51.100.7", 5060))
STRANGER = Flow(EDGE, SipTransport.UDP, ("192.0.2.66", 5060))
TRUNK = Flow(EDGE, SipTransport.UDP, ("203.0.113.5", 5060))
WEBSOCKET = Flow(EDGE, SipTransport.WSS, ("198.51.100.8", 50123), 3)

PASSWORDS = {"alice": "wonderland", "bob": "builder", "pbx": "exchange"}


def line(user: str, *algorithms: DigestAlgorithm) -> str:
    """Of the credentials file."""
    digests = [
        each.ha1(user, "antiphon", PASSWORDS[user]) for each in algorithms or [DigestAlgorithm.MD5]
    ]
    return ":".join([user, "antiphon", *digests])


CREDENTIALS = "\n".join(map(line, PASSWORDS))
TRUNKS = """
[[trunks]]
name = "carrier"
networks = ["203.0.113.0/24"]

[[trunks]]
name = "exchange"
user = "pbx"
"""


def access(config: str = TRUNKS, credentials: str = CREDENTIALS) -> SipAccess:
    return SipAccess(SipConfig.parse(config), PhoneCredentials.parse(credentials))


def request(
    method: str,
    sender: str = "alice",
    *,
    to: str = "sip:100@antiphon.example",
    call_id: str = "call",
    cseq: int = 1,
    body: str = "",
) -> Request:
    """With further headers, one a line, in `body`."""
    target = "sip:antiphon.example" if method == "REGISTER" else to
    address = f"sip:{sender}@antiphon.example"
    lines = [
        f"{method} {target} SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKtest",
        f"From: <{address}>;tag=1",
        f"To: <{address if method == 'REGISTER' else target}>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *filter(None, body.splitlines()),
    ]
    message = Request.parse("\r\n".join([*lines, "", ""]).encode())
    assert isinstance(message, Request)
    return message


def challenge_of(verdict: Verdict) -> list[str]:
    """The values of WWW-Authenticate."""
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401
    return [value for name, value in verdict.headers if name == "WWW-Authenticate"]


class Client:
    """A user that answers challenges."""

    def __init__(self, user: str, password: str | None = None, seed: int = 1) -> None:
        login = Login(user, PASSWORDS[user] if password is None else password)
        self._authenticator = DigestAuthenticator(login, Random(seed).randbytes)

    def answer(self, request: Request, verdict: Verdict) -> Request:
        """The same request once more, with credentials for the challenge in the verdict."""
        value = self._authenticator.answer(challenge_of(verdict), request.method, str(request.uri))
        assert value is not None
        again = Request.parse(bytes(request))
        assert not isinstance(again, Response)
        again.headers.set("Authorization", value)
        return again


class Host:
    """Workers that tell one another of registrations at once."""

    def __init__(self, given: SipAccess | None = None, workers: int = 1) -> None:
        self.access = [CurrentAccess(given or access()) for _ in range(workers)]
        self.told = 0
        self.workers = [self._control(index) for index in range(workers)]

    def _control(self, index: int) -> AccessControl:
        def tell(news: bytes) -> None:
            self.told += 1
            for other, control in enumerate(self.workers):
                if other != index:
                    control.registrations.learn(news)

        return AccessControl(self.access[index], tell=tell, random=Random(index).randbytes)

    def begin_again(self, index: int) -> None:
        """A worker that died, and asks what its siblings know."""
        self.workers[index] = self._control(index)
        self.workers[index].registrations.ask()

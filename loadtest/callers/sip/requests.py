"""The messages that a telephone writes: https://www.rfc-editor.org/rfc/rfc3261#section-8"""

from dataclasses import dataclass, replace

from sipmessage import URI, CSeq, MediaType, Parameters, Request, Response, Via
from sipmessage import Address as SipAddress

from loadtest.callers.address import Address

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"
USER_AGENT = "antiphon-loadtest"
MAX_FORWARDS = 70


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """Who calls whom, from where."""

    number: str
    """What is dialled."""
    server: Address
    user: str
    local: Address
    """Where we are reached: of Via, Contact and the SDP."""
    call_id: str
    tag: str

    @property
    def from_header(self) -> str:
        uri = URI(scheme="sip", user=self.user, host=_bracketed(self.server[0]))
        return str(SipAddress(uri, parameters=Parameters(tag=self.tag)))

    @property
    def contact(self) -> str:
        host, port = self.local
        return f"<sip:{self.user}@{_bracketed(host)}:{port}>"

    def via(self, branch: str) -> Via:
        """`rport`: https://www.rfc-editor.org/rfc/rfc3581"""
        host, port = self.local
        parameters = Parameters(rport=None, branch=branch)
        return Via("UDP", _bracketed(host), port, parameters)

    def invite(self, sequence: int, branch: str, offer: bytes) -> Request:
        host, port = self.server
        uri = URI(scheme="sip", user=self.number, host=_bracketed(host), port=port)
        to = str(SipAddress(uri))
        request = self.request("INVITE", uri, to, sequence, branch, offer)
        request.headers.set("Contact", self.contact)
        request.headers.set("Allow", ALLOW)
        return request

    def request(
        self, method: str, uri: URI, to: str, sequence: int, branch: str, sdp: bytes = b""
    ) -> Request:
        """One whose Contact, routes and proofs are missing yet."""
        request = Request(method, uri, sdp)
        request.via = [self.via(branch)]
        request.headers.set("From", self.from_header)
        request.headers.set("To", to)
        request.call_id = self.call_id
        request.cseq = CSeq(sequence, method)
        request.max_forwards = MAX_FORWARDS
        request.user_agent = USER_AGENT
        if sdp:
            request.content_type = MediaType("application/sdp")
        request.content_length = len(sdp)
        return request


def acknowledgement(invite: Request, response: Response) -> bytes:
    """The ACK of a refusal: https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3"""
    ack = _like(invite, "ACK")
    ack.headers.set("To", response.headers["To"])
    return bytes(ack)


def cancellation(invite: Request) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc3261#section-9.1"""
    return bytes(_like(invite, "CANCEL"))


def response_to(
    request: Request, code: int, phrase: str, identity: CallIdentity, sdp: bytes = b""
) -> Response:
    """https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6"""
    response = Response(code, phrase, sdp)
    for name in ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route"):
        if values := request.headers.getlist(name):
            response.headers.setlist(name, values)
    response.headers.set("Contact", identity.contact)
    response.headers.set("Allow", ALLOW)
    if sdp:
        response.content_type = MediaType("application/sdp")
    response.content_length = len(sdp)
    return response


def _like(invite: Request, method: str) -> Request:
    """A request of the same transaction."""
    request = Request(method, invite.uri)
    for name in ("Via", "From", "To", "Call-ID", "Max-Forwards"):
        request.headers.setlist(name, invite.headers.getlist(name))
    request.cseq = replace(invite.cseq, method=method)
    request.content_length = 0
    return request


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""What two ends of an answered call know of one another.

https://www.rfc-editor.org/rfc/rfc3261#section-12
"""

from dataclasses import dataclass
from ipaddress import ip_address

from sipmessage import URI, Response
from sipmessage import Address as SipAddress

from loadtest.callers.address import Address
from loadtest.callers.sip.requests import CallIdentity

SIP_PORT = 5060


@dataclass(frozen=True, slots=True)
class Dialog:
    """A caller's side of one."""

    identity: CallIdentity
    target: URI
    """The other end's Contact."""
    to: str
    """With its tag."""
    routes: tuple[SipAddress, ...]
    sequence: int
    """Of the INVITE."""

    @classmethod
    def begun(cls, identity: CallIdentity, response: Response, sequence: int) -> "Dialog":
        """By a 2xx to our INVITE. Raises ValueError."""
        if not response.contact:
            raise ValueError("an answer without a Contact")
        routes = tuple(reversed(response.record_route))
        return cls(identity, response.contact[0].uri, response.headers["To"], routes, sequence)

    @property
    def next_hop(self) -> Address | None:
        """Where requests go: the first route, else the other end. None: the name of a host, which
        is not looked up."""
        uri = self.routes[0].uri if self.routes else self.target
        try:
            host = str(ip_address(uri.host.strip("[]")))
        except ValueError:
            return None
        return host, uri.port or SIP_PORT

    def ack(self, branch: str) -> bytes:
        return self._request("ACK", self.sequence, branch)

    def bye(self, branch: str) -> bytes:
        return self._request("BYE", self.sequence + 1, branch)

    def _request(self, method: str, sequence: int, branch: str) -> bytes:
        request = self.identity.request(method, self.target, self.to, sequence, branch)
        if self.routes:
            request.route = list(self.routes)
        return bytes(request)

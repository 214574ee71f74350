"""All the transactions of a user agent, found by what their messages say."""

from collections.abc import Callable, Hashable

from sipmessage import Request, Response

from transceiver.sip.application import Names, SentBy
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.message import top_via
from transceiver.sip.next_hop import NextHop
from transceiver.sip.outgoing_request import OutgoingRequest
from transceiver.sip.timers import Timers
from transceiver.sip.transactions.client import ClientTransaction, Failure, OnOutcome
from transceiver.sip.transactions.invite_client import InviteClientTransaction
from transceiver.sip.transactions.invite_server import InviteServerTransaction
from transceiver.sip.transactions.key import merge_key, server_key
from transceiver.sip.transactions.quota import TransactionQuota
from transceiver.sip.transactions.server import ServerTransaction


class TransactionTable:
    """Makes transactions, and gives them what is theirs."""

    def __init__(
        self,
        send: Callable[[bytes, Flow | NextHop], None],
        timers: Timers,
        names: Names,
        sent_by: Callable[[SipTransport], SentBy],
    ) -> None:
        self._send = send
        self._timers = timers
        self._names = names
        self._sent_by = sent_by
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[Hashable, ServerTransaction] = {}
        self._merges: dict[Hashable, ServerTransaction] = {}
        self._quota = TransactionQuota()

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    def has_room(self, request: Request, flow: Flow) -> bool:
        """Whether one more request of that peer is taken."""
        return self._quota.allows(request, flow)

    def request(
        self, request: OutgoingRequest, hop: Flow | NextHop, on_outcome: OnOutcome
    ) -> ClientTransaction:
        """Send a request, in a transaction of its own."""
        branch = self._names.branch()
        return self._begin(request, self._via(hop.transport, branch), branch, hop, on_outcome)

    def cancel(self, invite: ClientTransaction, on_outcome: OnOutcome) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-9.1"""
        request = invite.request
        fields = (
            *request.values("Route", "From", "To", "Call-ID"),
            ("CSeq", request.values("CSeq")[0][1].replace("INVITE", "CANCEL")),
        )
        cancel = OutgoingRequest("CANCEL", request.uri, fields)
        branch = invite.via.rpartition("branch=")[2]
        self._begin(cancel, invite.via, branch, invite.hop, on_outcome)

    def send_ack(self, ack: OutgoingRequest, hop: Flow | NextHop) -> None:
        """The ACK of a 2xx: sent once for each, and never answered."""
        self._send(ack.encode(self._via(hop.transport, self._names.branch())), hop)

    def serve(self, request: Request, flow: Flow) -> ServerTransaction:
        """Begin to answer a request that `find` does not know."""
        key, merge = server_key(request), merge_key(request)

        given_back = self._quota.taken(request, flow)

        def terminated() -> None:
            if self._servers.pop(key, None) is not None:
                given_back()
            if self._merges.get(merge) is transaction:
                del self._merges[merge]

        kind = InviteServerTransaction if request.method == "INVITE" else ServerTransaction
        transaction = kind(
            request,
            flow,
            self._names.tag(),
            send=self._send,
            timers=self._timers,
            on_terminated=terminated,
        )
        self._servers[key] = transaction
        self._merges.setdefault(merge, transaction)
        return transaction

    def find(self, request: Request, method: str | None = None) -> ServerTransaction | None:
        """The transaction that a request belongs to, or that of `method` which it is about."""
        return self._servers.get(server_key(request, method))

    def is_merged(self, request: Request) -> bool:
        """A request that `find` does not know came by another way, too."""
        return merge_key(request) in self._merges

    def received(self, response: Response) -> bool:
        """Whether it is a response to a request of ours."""
        branch = top_via(response.headers).parameters.get("branch") or ""
        client = self._clients.get((branch, response.cseq.method))
        if client is None:
            return False
        client.received(response)
        return True

    def undeliverable(self, branch: str, method: str) -> None:
        if client := self._clients.get((branch, method)):
            client.fail(Failure.TRANSPORT)

    def flow_lost(self, flow: Flow) -> None:
        """No answer comes by it."""
        for client in [each for each in self._clients.values() if each.hop == flow]:
            client.fail(Failure.TRANSPORT)

    def _begin(
        self,
        request: OutgoingRequest,
        via: str,
        branch: str,
        hop: Flow | NextHop,
        on_outcome: OnOutcome,
    ) -> ClientTransaction:
        key = branch, request.method

        def terminated() -> None:
            self._clients.pop(key, None)

        kind = InviteClientTransaction if request.method == "INVITE" else ClientTransaction
        transaction = kind(
            request,
            via,
            hop,
            send=self._send,
            timers=self._timers,
            on_outcome=on_outcome,
            on_terminated=terminated,
        )
        self._clients[key] = transaction
        return transaction

    def _via(self, transport: SipTransport, branch: str) -> str:
        ours = self._sent_by(transport)
        port = f":{ours.port}" if ours.port else ""
        return f"SIP/2.0/{transport.value} {ours.host}{port};rport;branch={branch}"

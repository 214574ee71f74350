"""User agents on a virtual clock, with links between them that lose, repeat and reorder."""

import contextlib
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from sipmessage import URI, Address, Request, Response

from antiphon_proto.address import Address as SocketAddress
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sip.application import Authenticator, Invitation, Reply, SentBy
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller, Verdict
from transceiver.sip.invite_session import Ending, InviteHandler, InviteSession
from transceiver.sip.message import encode, parse_message
from transceiver.sip.next_hop import NextHop
from transceiver.sip.response_header import encode_response
from transceiver.sip.user_agent import Unheard, UserAgent

EDGE: SocketAddress = ("127.0.0.1", 9000)


class Clock:
    """Does what is due, in order, when it is run."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.agents: list[UserAgent] = []

    def __call__(self) -> float:
        return self.now

    def after(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay, next(self._numbers), action))

    def run(self, seconds: float) -> None:
        """Until then, or until nothing is due."""
        end = self.now + seconds
        while True:
            due = min([each.due_at for each in self.agents], default=float("inf"))
            event = self._events[0][0] if self._events else float("inf")
            if min(due, event) > end:
                self.now = end
                return
            self.now = max(self.now, min(due, event))
            if event <= due:
                heapq.heappop(self._events)[2]()
            else:
                for agent in self.agents:
                    agent.tick()

    @property
    def idle(self) -> bool:
        return not self._events and all(each.due_at == float("inf") for each in self.agents)


@dataclass
class Handler:
    """A call that says yes, and writes down what it is told."""

    name: str
    heard: list[object] = field(default_factory=list)
    offers: int = 0
    refuses: bool = False
    session: InviteSession | None = None
    on_established: Callable[[], None] = lambda: None

    def offered(self, sdp: str) -> str:
        if self.refuses:
            raise OfferError(OfferFault.NO_CODEC, "no codec")
        self.heard.append(("offered", sdp))
        return f"answer to {sdp}"

    def make_offer(self) -> str:
        self.offers += 1
        if self.refuses:
            raise OfferError(OfferFault.NO_CODEC, "no codec")
        return f"offer {self.offers} of {self.name}"

    def answered(self, sdp: str) -> None:
        if self.refuses:
            raise OfferError(OfferFault.NO_CODEC, "no codec")
        self.heard.append(("answered", sdp))

    def ringing(self, status: int) -> None:
        self.heard.append(("ringing", status))

    def established(self) -> None:
        self.heard.append("established")
        self.on_established()

    def dtmf(self, digit: str) -> None:
        self.heard.append(("dtmf", digit))

    def transferred(self, status: int) -> None:
        self.heard.append(("transferred", status))

    def ended(self, ending: Ending) -> None:
        self.heard.append(ending)

    @property
    def call(self) -> InviteSession:
        assert self.session is not None
        return self.session

    @property
    def endings(self) -> list[Ending]:
        return [each for each in self.heard if isinstance(each, Ending)]


def accepted(session: InviteSession) -> None:
    """As calls do: that the offer was refused is told by the session, too."""
    with contextlib.suppress(OfferError):
        session.accept()


class CountedNames:
    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = itertools.count(1)

    def call_id(self) -> str:
        return f"rtc_{self._name}{next(self._numbers)}"

    def tag(self) -> str:
        return f"tag-{self._name}{next(self._numbers)}"

    def branch(self) -> str:
        return f"z9hG4bK-{self._name}{next(self._numbers)}"


class Agent:
    """A user agent with an application that takes calls as it is told, and knows everybody."""

    def __init__(
        self,
        name: str,
        address: SocketAddress,
        clock: Clock,
        send: Callable[[bytes, Flow | NextHop], None],
        seed: int = 0,
    ) -> None:
        self.name = name
        self.address = address
        self.verdict: Verdict | Callable[[Request, Flow], Verdict] = Caller("trunk", is_trunk=True)
        self.calls: list[Handler] = []
        self.requests: list[Request] = []
        self.answer: Callable[[InviteSession], None] = accepted
        self.refusal: Reply | None = None
        self.out_of_reach: set[str] = set()
        """Hosts where no trunk is."""
        self.unheard: list[Unheard] = []
        self._clock = clock
        self.sip = UserAgent(
            self,
            self,
            CountedNames(name),
            lambda _: SentBy(*address),
            send,
            clock=clock,
            random=Random(seed).random,
        )
        clock.agents.append(self.sip)

    def receive(self, data: bytes, flow: Flow) -> None:
        if reason := self.sip.receive(data, flow):
            self.unheard.append(reason)

    def judge(self, request: Request, flow: Flow, now: float) -> Verdict:
        return self.verdict(request, flow) if callable(self.verdict) else self.verdict

    def may_reach(self, uri: URI) -> bool:
        return uri.host not in self.out_of_reach

    def invited(
        self, request: Request, caller: Caller, flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        self.requests.append(request)
        if self.refusal:
            return self.refusal
        handler = Handler(self.name, session=session)
        self.calls.append(handler)
        self._clock.after(0, lambda: self.answer(session))
        return handler

    def registered(self, request: Request, caller: Caller, flow: Flow) -> Reply:
        return Reply(200, (("X-Registered", caller.name),))

    def call(
        self,
        other: SocketAddress,
        transport: SipTransport = SipTransport.UDP,
        authenticator: Authenticator | None = None,
        ring_at_most_s: float = 180.0,
        handler: Handler | None = None,
        hop: Flow | NextHop | None = None,
    ) -> Handler:
        """Call whoever is there, as a phone whose flow is known if no other hop is given."""
        handler = handler or Handler(self.name)
        number = len(self.calls)
        target = URI.parse(f"sip:agent@{other[0]}:{other[1]}")
        invitation = Invitation(
            call_id=f"rtc_{self.name}-{number}-{id(handler)}",
            target=target,
            caller=Address.parse(f"<sip:{self.name}@{self.address[0]}>"),
            hop=hop or Flow(EDGE, transport, other),
            authenticator=authenticator,
            ring_at_most_s=ring_at_most_s,
        )
        handler.session = self.sip.invite(invitation, handler)
        return handler


class Network:
    """Takes what agents send to who has the address, after a while, if at all."""

    def __init__(
        self, *, seed: int = 0, loss: float = 0, copies: float = 0, jitter: float = 0
    ) -> None:
        """`loss` and `copies` are shares of what is sent by UDP, `jitter` is in seconds."""
        self.clock = Clock()
        self.sent: list[bytes] = []
        self.loss = loss
        self.copies = copies
        self.jitter = jitter
        self._random = Random(seed)
        self._agents: dict[SocketAddress, Agent | RawPeer] = {}

    def join(self, peer: "RawPeer") -> None:
        self._agents[peer.address] = peer

    def agent(self, name: str, host: str) -> Agent:
        address = host, 5060
        seed = len(self._agents)
        agent = Agent(name, address, self.clock, lambda *sent: self._send(address, *sent), seed)
        self._agents[address] = agent
        return agent

    def run(self, seconds: float) -> None:
        self.clock.run(seconds)

    def methods(self) -> list[str]:
        """The first word of every request, and the status of every response that was sent."""
        lines = [each.split(b"\r\n", 1)[0].decode().split(" ") for each in self.sent]
        return [words[1] if words[0] == "SIP/2.0" else words[0] for words in lines]

    def _send(self, source: SocketAddress, data: bytes, hop: Flow | NextHop) -> None:
        self.sent.append(data)
        remote = hop.remote if isinstance(hop, Flow) else (hop.uri.host, hop.uri.port or 5060)
        flow = Flow(EDGE, hop.transport, source)
        copies = 2 if self._random.random() < self.copies else 1
        lossless = hop.transport.reliable
        for _ in range(1 if lossless else copies):
            if remote not in self._agents or (not lossless and self._random.random() < self.loss):
                continue
            delay = 0.01 + (0 if lossless else self.jitter * self._random.random())
            receiver = self._agents[remote]
            self.clock.after(delay, lambda to=receiver: to.receive(data, flow))  # type: ignore[misc]


class RawPeer:
    """Somebody who sends what a test writes, and keeps what comes back."""

    def __init__(self, network: Network, host: str = "192.0.2.9") -> None:
        self.address = host, 5060
        self.flow = Flow(EDGE, SipTransport.UDP, self.address)
        self.received: list[Request | Response] = []
        self.tag = ""
        """Of whom the peer talks to, as the latest response has it."""
        self._network = network
        self._numbers = itertools.count(1)
        network.join(self)

    def receive(self, data: bytes, flow: Flow) -> None:
        message = parse_message(data)
        self.received.append(message)
        if isinstance(message, Response):
            self.tag = message.to_address.parameters.get("tag") or self.tag

    @property
    def responses(self) -> list[Response]:
        return [each for each in self.received if isinstance(each, Response)]

    @property
    def statuses(self) -> list[int]:
        return [each.code for each in self.responses]

    @property
    def requests(self) -> list[Request]:
        return [each for each in self.received if isinstance(each, Request)]

    def request(
        self,
        method: str,
        *fields: tuple[str, str],
        uri: str = "sip:agent@192.0.2.1",
        to_tag: str = "",
        sequence: int = 1,
        body: str = "",
        branch: str = "",
    ) -> bytes:
        """A request as a phone writes it; `fields` come instead of its own of the same name."""
        branch = branch or f"z9hG4bK-peer{next(self._numbers)}"
        own = {
            "Via": f"SIP/2.0/UDP {self.address[0]};rport;branch={branch}",
            "Max-Forwards": "70",
            "From": "<sip:peer@192.0.2.9>;tag=peer",
            "To": "<sip:agent@192.0.2.1>" + (f";tag={to_tag}" if to_tag else ""),
            "Call-ID": "call-of-peer",
            "CSeq": f"{sequence} {method}",
            "Contact": f"<sip:peer@{self.address[0]}>",
            **({"Content-Type": "application/sdp"} if body else {}),
        }
        kept = [(name, value) for name, value in own.items() if name not in dict(fields)]
        return encode(f"{method} {uri} SIP/2.0", (*kept, *fields), body.encode())

    def send(self, data: bytes, to: Agent) -> None:
        """At once, without a network between."""
        to.receive(data, self.flow)

    def answer(
        self, request: Request, status: int, *fields: tuple[str, str], tag: str = "", body: str = ""
    ) -> bytes:
        """A response to what was received."""
        own = (("Contact", f"<sip:peer@{self.address[0]}>"), *fields)
        sdp = (("Content-Type", "application/sdp"),) if body else ()
        return encode_response(request, status, tag, (*own, *sdp), body.encode())

    def call(self, agent: Agent, *fields: tuple[str, str], body: str = "peer's offer") -> Handler:
        """A session that stands, begun by the peer."""
        self.send(self.request("INVITE", *fields, body=body), agent)
        self._network.run(0.1)
        self.send(self.request("ACK", to_tag=self.tag), agent)
        self.received.clear()
        return agent.calls[-1]

    def called(self, agent: Agent, *fields: tuple[str, str]) -> Handler:
        """A session that stands, begun by the agent, which takes the peer for a trunk; `fields`
        are of the peer's 2xx."""
        hop = NextHop.of(URI.parse(f"sip:{self.address[0]}"))
        handler = agent.call(self.address, hop=hop)
        self._network.run(0.1)
        self.send(self.answer(self.requests[-1], 200, *fields, tag="peer", body="answer"), agent)
        self._network.run(0.1)
        self.received.clear()
        return handler

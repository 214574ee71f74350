"""What each drop reason means for an operator, and what to do about it.

The meaning is the docstring of the `DropReason` itself, so there is one text. Here
is what the relay's own code has no use for: which way the packet went, how bad it
is, and the remedy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from chassis.member_docstrings import member_docstrings
from relay.counters import Direction
from relay.drop_reason import DropReason


class Severity(Enum):
    """How an operator should take a reason that keeps counting."""

    EXPECTED = "expected"
    """What a public port of the internet receives; nothing of a client is lost."""
    SUSPECT = "suspect"
    """Scanners and attacks cause it, and so does a mistake in the set-up."""
    FAULT = "fault"
    """Packets of calls, or of the cluster's own processes, are lost."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one reason."""

    severity: Severity
    remedy: str
    refuses_checks: bool = False
    """Whether it is a check that could not be authenticated, so that a call does not come about."""


def _expected(remedy: str) -> Advice:
    return Advice(Severity.EXPECTED, remedy)


def _suspect(remedy: str) -> Advice:
    return Advice(Severity.SUSPECT, remedy)


def _refused(remedy: str) -> Advice:
    return Advice(Severity.SUSPECT, remedy, refuses_checks=True)


def _fault(remedy: str) -> Advice:
    return Advice(Severity.FAULT, remedy)


_SAME_KEYS = "Give relay and transceivers the same cluster key file; in a rotation, relays first."

ADVICE: Mapping[Direction, Mapping[DropReason, Advice]] = {
    Direction.TO_OWNER: {
        DropReason.OVERSIZED: _expected(
            "Nothing to do: no WebRTC client sends datagrams this large."
        ),
        DropReason.NOT_WEBRTC: _expected("Nothing to do: scanners, or other software sent here."),
        DropReason.MALFORMED_STUN: _expected("Nothing to do: scanners and fuzzers."),
        DropReason.STUN_METHOD: _expected(
            "Nothing, unless clients list this port as a TURN server."
        ),
        DropReason.NO_USERNAME: _expected(
            "Nothing, unless clients list this port as a STUN server."
        ),
        DropReason.UFRAG_UNKNOWN_CONFIG: _refused(_SAME_KEYS),
        DropReason.UFRAG_LENGTH: _refused(_SAME_KEYS),
        DropReason.UFRAG_MALFORMED: _expected(
            "Nothing to do: the ufrag is no transceiver's of ours."
        ),
        DropReason.UFRAG_CHECK: _refused(_SAME_KEYS),
        DropReason.UFRAG_EXPIRED: _refused(
            "Clients that go on after their calls; else compare the clocks of the machines."
        ),
        DropReason.INTEGRITY: _refused(
            "Forged checks, or a client that changed the answer's ice-pwd; else the keys differ. "
            + _SAME_KEYS
        ),
        DropReason.FOREIGN_CLUSTER: _refused(
            "Compare --cluster-id of relay and transceivers, and where the load balancer sends; or "
            "name that cluster's relays in --clusters."
        ),
        DropReason.CLUSTER_UNREACHABLE: _fault(
            "Look whether the --clusters of this relay name the tunnel addresses of that cluster's "
            "relays, and for a firewall and --remote-relays, --cluster-id and keys on their side."
        ),
        DropReason.OWNER_NOT_ALLOWED: _fault(
            "Add the network that the transceivers' --tunnel addresses are in to --owners."
        ),
        DropReason.OWNER_FAMILY: _fault(
            "Let --tunnel of relay and transceivers be of one address family."
        ),
        DropReason.RATE_LIMITED: _suspect(
            "An attack from that network; else many clients behind one address that all fail: "
            "see why."
        ),
        DropReason.DRAINING: _expected(
            "Nothing to do: the relay stops. Send new clients elsewhere."
        ),
        DropReason.TABLE_FULL: _fault("Raise --max-flows, or add workers or relays."),
        DropReason.NO_FLOW: _suspect(
            "Old clients of ended calls; else clients whose checks are dropped (see those), or "
            "transceivers that do not reach this relay's tunnel address."
        ),
        DropReason.SSRC_RATE: _suspect(
            "Somebody floods with the SSRC of a call; its client is not affected."
        ),
        DropReason.PORT_NOT_LEASED: _expected(
            "Nothing to do: scanners, and phones that go on after their calls."
        ),
        DropReason.PORT_SOURCE: _suspect(
            "Scanners; else a phone whose media comes from another host than its signaling: let it "
            "use SRTP or ICE."
        ),
        DropReason.PORT_RATE: _suspect(
            "Somebody floods a phone port; a phone that was heard is not affected."
        ),
        DropReason.PUNT_QUEUE_FULL: _fault(
            "A flood of checks, or too many new calls for these workers: add workers or relays."
        ),
        DropReason.OWNER_SEND_FAILED: _fault(
            "Look for a route and a firewall between this machine and the transceivers."
        ),
    },
    Direction.TO_CLIENT: {
        DropReason.TUNNEL_TRUNCATED: _fault("Run the same version of relay and transceiver."),
        DropReason.TUNNEL_VERSION: _fault("Run the same version of relay and transceiver."),
        DropReason.TUNNEL_TAG: _fault(
            "Let transceivers send to the --tunnel address as the relay names it, untranslated. "
            + _SAME_KEYS
        ),
        DropReason.TUNNEL_MAC: _fault(
            "Somebody alters the tunnel's datagrams, or the keys differ. " + _SAME_KEYS
        ),
        DropReason.TUNNEL_REPLAY: _fault(
            "Somebody repeats the tunnel's datagrams, or the network reorders them by far."
        ),
        DropReason.TUNNEL_FRAME: _fault("Run the same version of relay and transceiver."),
        DropReason.BIND_CONFLICT: _suspect(
            "Two calls claim one client address: expected for seconds after a call moved, else a "
            "client that calls two transceivers from one port."
        ),
        DropReason.BIND_TABLE_FULL: _fault("Raise --max-flows, or add workers or relays."),
        DropReason.PROVISIONAL_ALLOWANCE: _suspect(
            "A client that does not answer its owner's checks: a firewall on its side, or a forged "
            "address."
        ),
        DropReason.PORT_NOT_HELD: _fault(
            "Expected for a moment after a restart, else run the same version of relay and "
            "transceiver."
        ),
        DropReason.PORT_DESTINATION: _fault("Run the same version of relay and transceiver."),
        DropReason.TRANSIT_REFUSED: _fault(
            "Give this relay --clusters, as the other clusters' have."
        ),
        DropReason.TRANSIT_CLUSTER: _fault(
            "Compare --clusters of all relays with the --cluster-id of those that it names."
        ),
        DropReason.TRANSIT_OWNER: _fault(
            "Add the network that the transceivers' --tunnel addresses are in to --owners."
        ),
        DropReason.RELAY_NOT_ALLOWED: _fault(
            "Add the network of the other clusters' relays, as this relay sees them and as they "
            "name themselves (--tunnel-name), to --remote-relays."
        ),
        DropReason.TRANSIT_FRAME: _fault(
            "Run the same version of relay and transceiver everywhere."
        ),
        DropReason.TRANSIT_SEND_FAILED: _fault(
            "Look for a route and a firewall between this machine and the transceivers, and the "
            "relays of other clusters."
        ),
        DropReason.TUNNEL_PUNT_QUEUE_FULL: _fault(
            "Too many announcements for these workers: add workers or relays."
        ),
        DropReason.CLIENT_FAMILY: _fault(
            "Add an address of the clients' family to --public: 0.0.0.0:PORT,[::]:PORT."
        ),
        DropReason.CLIENT_SEND_FAILED: _fault(
            "Look for a route and a firewall towards clients, and for a full network card."
        ),
    },
}
"""Each reason under the direction that its packet would have gone."""


def reasons() -> Iterator[tuple[Direction, DropReason, Advice]]:
    """Every reason once."""
    for direction, group in ADVICE.items():
        for reason, advice in group.items():
            yield direction, reason, advice


@cache
def meanings() -> Mapping[DropReason, str]:
    """The docstring of each reason."""
    return member_docstrings(DropReason)

"""What a reflector counts."""

from enum import IntEnum


class ReflectorCount(IntEnum):
    """Index into the counters; the lower-case name is the one in `/counters`."""

    REFLECTED = 0
    """Packets of the session's caller, sent back."""
    MISROUTED = 1
    """Packets of no session of this reflector, or from an address that is not its caller's."""
    DROPPED_MALFORMED = 2
    """Clients' datagrams that are neither STUN nor of the shape of these packets."""
    DROPPED_UNCHECKED = 3
    """Packets from an address that no check has come from."""
    DROPPED_FORMER = 4
    """Packets from an address that the caller has left."""
    DROPPED_ENDED = 5
    """Packets of a session that is over."""
    DROPPED_TUNNEL = 6
    """Datagrams on the tunnel's port that no relay of the cluster can have sent."""
    DROPPED_CHECK = 7
    """STUN that is malformed, of no session, or made without its password."""
    SEND_FAILED = 8
    """Packets that the kernel did not take."""
    CHECKS_ANSWERED = 9
    BOUND = 10
    """Sessions whose caller answered this side's check, and that relays were told of."""
    MOVED = 11
    """Callers that checked from another address."""
    ENDED = 12
    EXPIRED = 13
    """Sessions that fell silent."""
    RELAY_EPOCHS = 14
    """Times that a relay worker was found to know nothing, and was told everything."""
    DATAGRAMS = 15
    """Tunnel datagrams received."""

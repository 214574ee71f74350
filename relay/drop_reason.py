"""Why the relay dropped a datagram.

The relay answers nobody, so a dropped datagram leaves no other trace: the
value of each member is the `reason` label of
`antiphon_relay_dropped_packets_total`, and nothing is logged per datagram.
"""

from enum import Enum, unique


@unique
class DropReason(Enum):
    """Each reason belongs to one direction, which its group here names."""

    # From a client, on the public socket.

    OVERSIZED = "oversized"
    """Larger than the receive buffer, so cut short by the kernel."""

    NOT_WEBRTC = "not_webrtc"
    """Empty, or its first byte is not STUN, DTLS, RTP or RTCP (RFC 7983)."""

    MALFORMED_STUN = "malformed_stun"
    """Its first byte says STUN, but it does not parse."""

    STUN_METHOD = "stun_method"
    """A STUN request other than Binding, such as a TURN allocation."""

    NO_USERNAME = "no_username"
    """A Binding request that names no ufrag: an ordinary STUN client, or a scanner."""

    UFRAG_UNKNOWN_CONFIG = "ufrag_unknown_config"
    """The ufrag's config id is in no line of the cluster key file."""

    UFRAG_LENGTH = "ufrag_length"
    """The ufrag is not as long as its config says."""

    UFRAG_MALFORMED = "ufrag_malformed"
    """The ufrag is not canonical base64."""

    UFRAG_CHECK = "ufrag_check"
    """The ufrag does not decrypt to zero check bytes: another key, or a guess."""

    UFRAG_EXPIRED = "ufrag_expired"
    """The ufrag was ours, and the longest call it could serve is over."""

    INTEGRITY = "integrity"
    """MESSAGE-INTEGRITY is absent, or not made with the ufrag's password."""

    FOREIGN_CLUSTER = "foreign_cluster"
    """The ufrag was minted for another cluster, which shares the key, not one of `--clusters`."""

    CLUSTER_UNREACHABLE = "cluster_unreachable"
    """To an owner of another cluster, of whose relays none is known."""

    OWNER_NOT_ALLOWED = "owner_not_allowed"
    """The owner's address is outside `--owners`."""

    OWNER_FAMILY = "owner_family"
    """The owner's address family is not that of the tunnel socket."""

    RATE_LIMITED = "rate_limited"
    """A check from a network from which too many failed to authenticate lately."""

    DRAINING = "draining"
    """A check from a new address, at a relay that is about to stop."""

    TABLE_FULL = "table_full"
    """No room to remember the address: every flow of the table is bound by an owner."""

    NO_FLOW = "no_flow"
    """Not a check, from an address that neither a check nor an owner vouched for lately."""

    SSRC_RATE = "ssrc_rate"
    """Media of an announced SSRC from an unknown address, more than one client sends."""

    PORT_NOT_LEASED = "port_not_leased"
    """To a phone port that no owner has leased."""

    PORT_SOURCE = "port_source"
    """To a leased phone port, from where its owner expects nothing."""

    PORT_RATE = "port_rate"
    """To a leased phone port, more than one phone sends."""

    PUNT_QUEUE_FULL = "punt_queue_full"
    """Left to Python by the compiled loop, and Python did not keep up."""

    OWNER_SEND_FAILED = "owner_send_failed"
    """The kernel refused to send to the owner: no route, or a full send buffer."""

    # From an owner, on the tunnel socket.

    TUNNEL_TRUNCATED = "tunnel_truncated"
    """Shorter than the tunnel header or than its frames say."""

    TUNNEL_VERSION = "tunnel_version"
    """A tunnel version or reserved field that this relay does not know."""

    TUNNEL_TAG = "tunnel_tag"
    """The verification tag is wrong: not from this cluster, or not meant for this socket."""

    TUNNEL_MAC = "tunnel_mac"
    """The MAC over control frames is wrong."""

    TUNNEL_REPLAY = "tunnel_replay"
    """Control frames whose counter was seen before."""

    TUNNEL_FRAME = "tunnel_frame"
    """A member's datagram that holds no frame, or one that cannot be read."""

    BIND_CONFLICT = "bind_conflict"
    """A BIND for an address that is bound to another owner."""

    BIND_TABLE_FULL = "bind_table_full"
    """A BIND that found every flow of the table bound."""

    PROVISIONAL_ALLOWANCE = "provisional_allowance"
    """More than three times what an address sent, before its owner confirmed it."""

    PORT_NOT_HELD = "port_not_held"
    """From an owner that does not hold the phone port which it names."""

    PORT_DESTINATION = "port_destination"
    """Over a phone port to an address that its owner did not name as its phone's."""

    TRANSIT_REFUSED = "transit_refused"
    """Between clusters, at a relay without `--clusters`."""

    TRANSIT_CLUSTER = "transit_cluster"
    """From a relay or an owner of another cluster, with a cluster's number that is not expected."""

    TRANSIT_OWNER = "transit_owner"
    """In transit to or from an owner that is outside `--owners`, or of the wrong address family."""

    RELAY_NOT_ALLOWED = "relay_not_allowed"
    """From, or in transit to, a relay of another cluster that is outside `--remote-relays`."""

    TRANSIT_FRAME = "transit_frame"
    """In transit, with a frame that has no business between clusters."""

    TRANSIT_SEND_FAILED = "transit_send_failed"
    """The kernel refused to send on what was in transit: no route, or a full send buffer."""

    TUNNEL_PUNT_QUEUE_FULL = "tunnel_punt_queue_full"
    """Left to Python by the compiled loop, and Python did not keep up."""

    CLIENT_FAMILY = "client_family"
    """The client's address family is not that of the public socket."""

    CLIENT_SEND_FAILED = "client_send_failed"
    """The kernel refused to send to the client: no route, or a full send buffer."""

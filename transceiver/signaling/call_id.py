"""Call ids (`rtc_...`): each names, to this deployment only, the worker that owns the call.

A call id is a sealed token (see sealed_token) around the owner's encoded address, and behind
it a byte with the id of its cluster, which cluster 0 leaves out. The token's nonce makes the id
unique and impossible to guess.
"""

from dataclasses import dataclass

from antiphon_proto.address import ADDRESS_LENGTHS, Address, decode_address, encode_address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.sealed_token import SealedTokens

PREFIX = "rtc_"
_KEY_LABEL = "call id"


class CallIdError(ValueError):
    """The text is not a call id, or not one of this cluster."""


@dataclass(frozen=True, slots=True)
class CallHolder:
    """Who owns a call."""

    cluster_id: int
    worker: Address
    """Its tunnel address, which may be another worker's in another cluster."""


class CallIds:
    """Mints and reads call ids under the keys of a deployment, old ones included."""

    def __init__(self, keys: ClusterKeys, cluster_id: int = 0) -> None:
        """`cluster_id` is that of the cluster that this worker is in."""
        self._cluster_id = cluster_id
        self._tokens = SealedTokens(PREFIX, keys.derive_all(_KEY_LABEL))

    def mint(self, owner: Address, nonce: bytes) -> str:
        """Return an id of a call that `owner` holds; `nonce` is 12 random bytes.

        Raises ValueError when the owner's host is not an IP address.
        """
        cluster = bytes((self._cluster_id,)) if self._cluster_id else b""
        return self._tokens.seal(encode_address(owner) + cluster, nonce)

    def holder(self, call_id: str) -> CallHolder:
        """Whose call it is, in whichever cluster. Raises CallIdError."""
        try:
            content = self._tokens.open(call_id)
            length = ADDRESS_LENGTHS.get(content[0], 0) if content else 0
            worker = decode_address(content[:length])
            return CallHolder(_cluster(content[length:]), worker)
        except ValueError as error:
            raise CallIdError("not a call id of this deployment") from error

    def owner(self, call_id: str) -> Address:
        """The worker of this cluster whose call it is. Raises CallIdError, also for others'."""
        holder = self.holder(call_id)
        if holder.cluster_id != self._cluster_id:
            raise CallIdError("a call of another cluster")
        return holder.worker


def _cluster(encoded: bytes) -> int:
    """Raises ValueError."""
    if not encoded:
        return 0
    if len(encoded) > 1 or not encoded[0]:
        raise ValueError("a cluster id is one byte, and 0 is left out")
    return encoded[0]

"""Call ids (`rtc_...`): each names, to this cluster only, the worker that owns the call.

A call id is a sealed token (see sealed_token) around the owner's encoded address.
The token's nonce makes the id unique and impossible to guess.
"""

from antiphon_proto.address import Address, decode_address, encode_address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.sealed_token import SealedTokens

PREFIX = "rtc_"
_KEY_LABEL = "call id"


class CallIdError(ValueError):
    """The text is not a call id of this cluster."""


class CallIds:
    """Mints and reads call ids under the keys of a cluster, old ones included."""

    def __init__(self, keys: ClusterKeys) -> None:
        self._tokens = SealedTokens(PREFIX, keys.derive_all(_KEY_LABEL))

    def mint(self, owner: Address, nonce: bytes) -> str:
        """Return an id of a call that `owner` holds; `nonce` is 12 random bytes.

        Raises ValueError when the owner's host is not an IP address.
        """
        return self._tokens.seal(encode_address(owner), nonce)

    def owner(self, call_id: str) -> Address:
        """Return the address in the id. Raises CallIdError."""
        try:
            return decode_address(self._tokens.open(call_id))
        except ValueError as error:
            raise CallIdError("not a call id of this cluster") from error

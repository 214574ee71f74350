"""The names that a worker gives to what is its own."""

from collections.abc import Callable

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.sealed_bytes import NONCE_BYTES
from transceiver.signaling.call_id import CallIds
from transceiver.sip.owner_tokens import OwnerTokens


class SipNames:
    """Implements `application.Names`: every one tells the cluster's workers whose it is."""

    def __init__(
        self,
        keys: ClusterKeys,
        owner: Address,
        random: Callable[[int], bytes],
        cluster_id: int = 0,
    ) -> None:
        """`owner` is this worker's tunnel address; `random` gives as many bytes as asked for."""
        self._owner = owner
        self._cluster_id = cluster_id
        self._random = random
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on."""
        self._call_ids = CallIds(keys, self._cluster_id)
        self._tokens = OwnerTokens(keys)

    def call_id(self) -> str:
        return self._call_ids.mint(self._owner, self._random(NONCE_BYTES))

    def tag(self) -> str:
        return self._tokens.tag(self._owner, self._random(NONCE_BYTES))

    def branch(self) -> str:
        return self._tokens.branch(self._owner, self._random(NONCE_BYTES))

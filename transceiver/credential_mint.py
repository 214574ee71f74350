"""Our ICE credentials: the ufrag names this worker to the relays, the password follows from it."""

import secrets

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.ufrag import RANDOM_BYTES, Owner, UfragMinter, UfragReader
from transceiver.ice import IceCredentials


class CredentialMint:
    """Makes a pair for each ICE session of this worker's calls."""

    def __init__(
        self, keys: ClusterKeys, worker: Address, *, cluster_id: int, incarnation: int
    ) -> None:
        self._worker = worker
        self._cluster_id = cluster_id
        self._incarnation = incarnation
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on."""
        self._minter = UfragMinter(keys)
        self._passwords = UfragReader(keys)

    def mint(self, not_after: int) -> IceCredentials:
        """A pair that relays route until `not_after`, in Unix seconds."""
        host, port = self._worker
        owner = Owner(host, port, self._cluster_id, self._incarnation, not_after)
        ufrag = self._minter.mint(owner, secrets.token_bytes(RANDOM_BYTES))
        return IceCredentials(ufrag, self._passwords.password(ufrag.encode()).decode())

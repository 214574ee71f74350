"""Our ICE credentials: the ufrag names this worker to the relays, the password follows from it."""

import secrets
from itertools import count

from antiphon_proto.address import Address, family_of
from antiphon_proto.cluster_keys import ClusterKeys, Layout
from antiphon_proto.ufrag import (
    RANDOM_BYTES,
    SHORT_LIFETIME_S,
    Owner,
    UfragMinter,
    UfragReader,
)
from transceiver.ice import IceCredentials


class CredentialMint:
    """Makes a pair for each ICE session of this worker's calls."""

    def __init__(
        self, keys: ClusterKeys, worker: Address, *, cluster_id: int, incarnation: int
    ) -> None:
        self._worker = worker
        self._cluster_id = cluster_id
        self._incarnation = incarnation
        self._short_nonces = count(secrets.randbits(17))
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on."""
        self._minter = UfragMinter(keys)
        has_short = any(config.layout is Layout.SHORT for config in keys.configs)
        self._mints_short = has_short and family_of(self._worker[0]) == 4
        self._passwords = UfragReader(keys)

    def mint(self, not_after: int) -> IceCredentials:
        """A pair that relays route until `not_after`, in Unix seconds."""
        return self._pair(self._minter.mint(self._owner(not_after), _random()))

    def mint_short(self, not_after: int, now: float) -> IceCredentials:
        """A pair whose ufrag has 16 characters, for peers that cut what is longer.

        It is one of the usual length where the cluster's keys have no line for short ones, the
        worker has an IPv6 address, or `not_after` is too far ahead of `now`.
        """
        if not self._mints_short or not_after - now > SHORT_LIFETIME_S:
            return self.mint(not_after)
        number = next(self._short_nonces)
        # A number that grows is never the same twice within an hour, as random ones would be.
        nonce = bytes((number & 7,)) + (number >> 3 & 0x3FFF).to_bytes(2, "big")
        owner = self._owner(not_after)
        return self._pair(self._minter.mint_short(owner, nonce.ljust(RANDOM_BYTES, b"\0")))

    def _owner(self, not_after: int) -> Owner:
        return Owner(*self._worker, self._cluster_id, self._incarnation, not_after)

    def _pair(self, ufrag: str) -> IceCredentials:
        return IceCredentials(ufrag, self._passwords.password(ufrag.encode()).decode())


def _random() -> bytes:
    return secrets.token_bytes(RANDOM_BYTES)

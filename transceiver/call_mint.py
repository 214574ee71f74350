"""What a call of this worker is called: its id, and its ICE credentials."""

import secrets
from collections.abc import Callable
from functools import partial

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.credential_mint import CredentialMint
from transceiver.ice import IceCredentials
from transceiver.signaling.call_id import CallIds
from transceiver.signaling.sealed_token import NONCE_BYTES

UFRAG_MARGIN_S = 600
"""How much longer than the longest call a ufrag routes."""


class CallMint:
    """Both name the worker: the id to other workers, the ufrag to relays."""

    def __init__(
        self,
        keys: ClusterKeys,
        worker: Address,
        *,
        cluster_id: int,
        incarnation: int,
        max_call_seconds: int,
        unix_time: Callable[[], float],
        taken: Callable[[bytes], bool],
    ) -> None:
        """`incarnation` (0..255) is minted into every ufrag; `taken` are those in use."""
        self._worker = worker
        self._lifetime_s = max_call_seconds + UFRAG_MARGIN_S
        self._unix_time = unix_time
        self._taken = taken
        self._cluster_id = cluster_id
        self._call_ids = CallIds(keys, cluster_id)
        self._credentials = CredentialMint(
            keys, worker, cluster_id=cluster_id, incarnation=incarnation
        )

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on; calls that are open go on."""
        self._call_ids = CallIds(keys, self._cluster_id)
        self._credentials.use_keys(keys)

    def call_id(self) -> str:
        return self._call_ids.mint(self._worker, secrets.token_bytes(NONCE_BYTES))

    def credentials(self) -> IceCredentials:
        """Of an ICE session that may begin now and last as long as the longest call."""
        return self._fresh(self._credentials.mint)

    def short_credentials(self) -> IceCredentials:
        """The same for SIP, where some peers cut what is longer than 16 characters."""
        return self._fresh(partial(self._credentials.mint_short, now=self._unix_time()))

    def _fresh(self, mint: Callable[[int], IceCredentials]) -> IceCredentials:
        while True:
            credentials = mint(int(self._unix_time()) + self._lifetime_s)
            if not self._taken(credentials.ufrag.encode()):
                return credentials

"""Tags and branches of ours: each names, to this cluster only, the worker that gave it out.

A token is sealed (see sealed_token) around the owner's encoded address, so that whichever worker
a message reaches can tell whose it is, and nobody outside of the cluster can have one sent
anywhere. The token's nonce makes it unique and impossible to guess, as
https://www.rfc-editor.org/rfc/rfc3261#section-19.3 asks for.
"""

from antiphon_proto.address import Address, decode_address, encode_address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.sealed_token import SealedTokens
from transceiver.sip.branch import MAGIC_COOKIE

_TAG = "at."


class OwnerTokens:
    """Mints under the first of a cluster's keys, reads under all. Nonces are 12 random bytes."""

    def __init__(self, keys: ClusterKeys) -> None:
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        self._tags = SealedTokens(_TAG, keys.derive_all("sip tag"))
        self._branches = SealedTokens(MAGIC_COOKIE, keys.derive_all("sip branch"))

    def tag(self, owner: Address, nonce: bytes) -> str:
        """A tag for To of what is asked of us, and for From of what we ask."""
        return self._tags.seal(encode_address(owner), nonce)

    def branch(self, owner: Address, nonce: bytes) -> str:
        """A branch for the Via of a request of ours."""
        return self._branches.seal(encode_address(owner), nonce)

    def owner_of_tag(self, tag: str) -> Address | None:
        """None for a tag that this cluster did not give out."""
        return _owner(self._tags, tag)

    def owner_of_branch(self, branch: str) -> Address | None:
        """None for a branch that this cluster did not give out."""
        return _owner(self._branches, branch)


def _owner(tokens: SealedTokens, token: str) -> Address | None:
    try:
        return decode_address(tokens.open(token))
    except ValueError:
        return None

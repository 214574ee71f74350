"""Client secrets: arbitrary text and arbitrary sealed contents raise ClientSecretError only."""

import zlib

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.client_secret import BoundSession, ClientSecretError, ClientSecrets
from transceiver.signaling.sealed_token import SealedTokens

KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
SECRETS = ClientSecrets(KEYS)
TOKENS = SealedTokens("ek_", KEYS.derive_all("client secret"))
NOW = 1_800_000_000.0
NONCE = bytes(12)
BOUND = BoundSession(b'{"type":"realtime","model":"echo"}', 1_800_000_600, issuer="c3")

SEEDS = [
    SECRETS.mint(BOUND, NONCE).removeprefix("ek_").encode(),
    zlib.compress(b'{"expires_at":1800000600,"issuer":"c3","session":{"model":"echo"}}'),
]


def one_input(data: bytes) -> None:
    """Open `data` as a secret's text, and as what our own key sealed."""
    for secret in ("ek_" + data.decode("latin-1"), TOKENS.seal(data, NONCE)):
        try:
            bound = SECRETS.open(secret, NOW)
        except ClientSecretError:
            continue
        assert bound.expires_at > NOW

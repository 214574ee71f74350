"""How a process says which of the cluster's keys it uses: the labels of one metric.

A relay shows `antiphon_relay_cluster_key_info`, a transceiver worker
`antiphon_transceiver_cluster_key_info`, with a series of value 1 for each line of the key
file that is in force there. `antiphon keys rotate` goes by them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from antiphon_proto.cluster_keys import ClusterKeys, Layout

LABELS = ("config_id", "layout", "fingerprint", "use")
RELAY_METRIC = "antiphon_relay_cluster_key_info"
TRANSCEIVER_METRIC = "antiphon_transceiver_cluster_key_info"
LIFETIME_METRIC = "antiphon_transceiver_cluster_key_lifetime_seconds"
"""How long what a worker makes with a key may be shown to the cluster."""


class KeyUse(Enum):
    MINT = "mint"
    """The first line of its layout: new ufrags are made with it."""
    READ = "read"


@dataclass(frozen=True, slots=True)
class KeyInForce:
    """One line of the key file as a process uses it."""

    config_id: int
    layout: Layout
    fingerprint: str
    use: KeyUse

    def labels(self) -> tuple[str, ...]:
        """The values of LABELS, in their order."""
        return str(self.config_id), self.layout.value, self.fingerprint, self.use.value

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> "KeyInForce":
        """Undo `labels`. Raises ValueError where they are none, KeyError where one is absent."""
        config_id, layout, fingerprint, use = (labels[name] for name in LABELS)
        return cls(int(config_id), Layout(layout), fingerprint, KeyUse(use))


def keys_in_force(keys: ClusterKeys) -> Iterator[KeyInForce]:
    """Every line, in the order of the file."""
    minting: set[Layout] = set()
    for config in keys.configs:
        use = KeyUse.READ if config.layout in minting else KeyUse.MINT
        minting.add(config.layout)
        yield KeyInForce(config.id, config.layout, config.fingerprint, use)

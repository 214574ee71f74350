"""What the local deployment is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """One relay, one transceiver, inference replicas, and reflectors where they are asked for."""

    engine: str = "echo"
    relay_workers: int = 1
    transceiver_workers: int = 1
    """None: there is neither a transceiver nor inference, but reflectors behind the relay."""
    inference_replicas: int = 1
    reflectors: int = 0
    """Processes at which calls of kind `relay` end."""
    sip: bool = False
    """Whether SIP phones may call, as user `caller` with a password of its own."""
    max_calls: int = 1000
    """That a transceiver worker, and a replica, takes at most."""
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By tier: further flags of its command line, `("--max-load=0.9",)`."""
    log_level: str = "warning"

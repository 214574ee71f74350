"""What authenticates the checks of one ICE session."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """A username fragment and its password."""

    ufrag: str = field(repr=False)
    password: str = field(repr=False)

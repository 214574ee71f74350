"""Interactive Connectivity Establishment (RFC 8445): where a call's client is reached.

`agent` is a call's, `session` what one pair of credentials covers: a restart replaces it.
"""

from transceiver.ice.agent import IceAgent
from transceiver.ice.credentials import IceCredentials
from transceiver.ice.rejection import IceRejection

__all__ = ["IceAgent", "IceCredentials", "IceRejection"]

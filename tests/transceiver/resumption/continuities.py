"""What sessions of tests have for the case that their client is lost."""

import itertools

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.resumption.continuity import Continuities
from transceiver.resumption.resume_token import Origin, ResumeTokens

KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
OWNER: Address = ("127.0.0.1", 4)
ORIGIN = Origin("f" * 32)
SECONDS = 60


def continuities(seconds: int = SECONDS) -> Continuities:
    counter = itertools.count()

    def random(size: int) -> bytes:
        return next(counter).to_bytes(size, "big")

    return Continuities(ResumeTokens(KEYS), OWNER, seconds, random)

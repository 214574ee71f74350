"""The files that the tiers read: keys of one run, for this user alone."""

import os
import secrets
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path

from antiphon_proto.cluster_keys import ClusterKeys
from loadtest.deployment.tier_command import CommandFiles

SIP_USER = "caller"
SIP_REALM = "antiphon"
_SIP_CONFIG = """
[phones]
sessions = 0

[[dial-plan]]
number = "echo"
session = { type = "realtime", model = "echo" }

[[dial-plan]]
session = { type = "realtime" }
"""


@dataclass(frozen=True, slots=True)
class RunSecrets:
    """What callers prove themselves with."""

    api_key: str
    sip_password: str


def write_files(directory: Path) -> tuple[CommandFiles, RunSecrets]:
    """Fresh ones, in a directory that others cannot read."""
    run = RunSecrets(f"sk-antiphon-{secrets.token_urlsafe(24)}", secrets.token_urlsafe(12))
    proof = f"{SIP_USER}:{SIP_REALM}:{run.sip_password}".encode()
    # Whichever of the two a phone knows.
    digests = f"{md5(proof).hexdigest()}:{sha256(proof).hexdigest()}"  # noqa: S324
    files = CommandFiles(
        _written(directory / "cluster.keys", ClusterKeys.generate(secrets.token_bytes(32))),
        _written(directory / "api.keys", run.api_key),
        directory / "handover",
        _written(directory / "sip.toml", _SIP_CONFIG),
        _written(directory / "phones", f"{SIP_USER}:{SIP_REALM}:{digests}"),
    )
    return files, run


def _written(path: Path, text: str) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text.rstrip()}\n")
    return path

"""`antiphon keys cluster | api`: makes the secrets of a deployment."""

import sys
from collections.abc import Callable, Mapping, Sequence

from antiphon.runtime_directory import new_api_key, new_cluster_keys
from chassis.settings import SettingError

KINDS: dict[str, Callable[[], str]] = {"cluster": new_cluster_keys, "api": new_api_key}
USAGE = """usage: antiphon keys cluster | api

  cluster  print a cluster key file: the secret that relays and transceivers share
  api      print an API key, a line of a transceiver's API key file"""


def run(argv: Sequence[str], _environ: Mapping[str, str]) -> int:
    """Print one fresh secret on standard output."""
    if list(argv) in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if len(argv) != 1 or argv[0] not in KINDS:
        raise SettingError(f"expected one of: {', '.join(KINDS)}")
    sys.stdout.write(KINDS[argv[0]]().rstrip() + "\n")
    return 0

"""`antiphon keys`: makes the secrets of a deployment, and changes those of its cluster."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence

from antiphon import key_directory, keys_rotate
from antiphon.phone_credentials import credentials_line, new_password
from antiphon.runtime_directory import new_api_key, new_cluster_keys
from chassis.settings import SettingError


def hashed(key: str) -> str:
    """What a transceiver's API key file may hold in place of a key.

    Raises SettingError where there is no key.
    """
    if not key.strip():
        raise SettingError("expected an API key on standard input")
    return f"sha256:{hashlib.sha256(key.strip().encode()).hexdigest()}"


KINDS: dict[str, Callable[[], str]] = {
    "cluster": new_cluster_keys,
    "api": new_api_key,
    "hash": lambda: hashed(sys.stdin.readline()),
    "password": new_password,
}
USAGE = """usage: antiphon keys cluster | api | hash | password
       antiphon keys phone USER [md5 | sha-256] [REALM]
       antiphon keys init DIRECTORY
       antiphon keys rotate --help

  cluster   print a cluster key file: the secret that relays and transceivers share
  api       print an API key, a line of a transceiver's API key file
  hash      read an API key on standard input, and print the line that may stand for it
  password  print a password for a SIP phone or trunk
  phone     read a SIP user's password on standard input, and print the line of the
            credentials file that knows it; md5, unless all of them know sha-256
  init      write DIRECTORY/cluster.keys and DIRECTORY/api.keys, where they are not there yet
  rotate    give the cluster fresh keys, while calls go on"""


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print one secret, or what stands for it, on standard output; `init`, `rotate`: see there."""
    if list(argv) in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if argv and argv[0] == "rotate":
        return keys_rotate.run(argv[1:], environ)
    if argv and argv[0] == "init":
        return key_directory.run(argv[1:])
    if argv and argv[0] == "phone":
        print(credentials_line(argv[1:], sys.stdin.readline()))
        return 0
    if len(argv) != 1 or argv[0] not in KINDS:
        raise SettingError(f"expected one of: {', '.join([*KINDS, 'phone', 'init', 'rotate'])}")
    sys.stdout.write(KINDS[argv[0]]().rstrip() + "\n")
    return 0

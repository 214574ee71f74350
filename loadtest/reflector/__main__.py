"""`python -m loadtest.reflector`: exit code 2, and one line, for a setting that cannot be used."""

import os
import sys

import uvloop

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.logs import LogFormat, configure_logging
from chassis.secret_file import read_secret_file
from chassis.settings import SettingError, load
from loadtest.reflector.config import ReflectorConfig
from loadtest.reflector.reflector import Reflector

PROG = "python -m loadtest.reflector"


def main() -> int:
    try:
        config = load(ReflectorConfig, sys.argv[1:], os.environ, prog=PROG)
        configure_logging("reflector", config.log_level, LogFormat.TEXT)
        keys = read_secret_file("--cluster-keys", config.cluster_keys, ClusterKeys.parse)
        reflector = Reflector(config, keys)
    except SettingError as error:
        print(f"reflector: {error}", file=sys.stderr)
        return 2
    uvloop.run(reflector.serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())

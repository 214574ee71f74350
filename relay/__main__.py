"""`python -m relay`: exit code 2, and one line, for a setting that cannot be used."""

import os
import sys

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.fork_server import ForkServer
from chassis.logs import configure_logging
from chassis.secret_file import read_secret_file
from chassis.settings import SettingError, load
from relay.config import RelayConfig
from relay.fast_path_choice import fallback, worker_imports


def main() -> int:
    try:
        config = load(RelayConfig, sys.argv[1:], os.environ, prog="python -m relay")
        configure_logging("relay", config.log_level, config.log_format)
        keys = read_secret_file("--cluster-keys", config.cluster_keys, ClusterKeys.parse)
        ForkServer(worker_imports(fallback(config.fast_path))).begin()
        # Imported meanwhile: what is away for less time costs calls less.
        from relay.supervisor import run

        run(config, keys)
    except SettingError as error:
        print(f"relay: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

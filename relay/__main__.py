"""`python -m relay`: exit code 2, and one line, for a setting that cannot be used."""

import asyncio
import os
import sys
from pathlib import Path

from antiphon_proto.cluster_keys import ClusterKeyError, ClusterKeys
from chassis.logs import configure_logging
from chassis.settings import SettingError, load
from relay.config import RelayConfig
from relay.supervisor import supervise


def main() -> int:
    try:
        config = load(RelayConfig, sys.argv[1:], os.environ, prog="python -m relay")
        configure_logging("relay", config.log_level)
        asyncio.run(supervise(config, read_cluster_keys(config.cluster_keys)))
    except SettingError as error:
        print(f"relay: {error}", file=sys.stderr)
        return 2
    return 0


def read_cluster_keys(path: str) -> ClusterKeys:
    """Raises SettingError, which never quotes the file's content."""
    try:
        return ClusterKeys.parse(Path(path).read_text(encoding="ascii"))
    except OSError as error:
        raise SettingError(f"--cluster-keys {path}: {error.strerror}") from error
    except (ClusterKeyError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, ClusterKeyError) else "not a text file"
        raise SettingError(f"--cluster-keys {path}: {reason}") from error


if __name__ == "__main__":
    sys.exit(main())

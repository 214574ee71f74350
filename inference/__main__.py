"""`python -m inference`: exit code 2, and one line, when it cannot start."""

import asyncio
import os
import sys

import uvloop

from chassis.logs import configure_logging
from chassis.settings import SettingError, load
from chassis.tracing.process_tracing import check_tracing
from inference.config import InferenceConfig
from inference.engines.available import available_engines
from inference.engines.cascade.counters import CascadeCounters
from inference.server import serve


def main() -> int:
    try:
        config = load(InferenceConfig, sys.argv[1:], os.environ, prog="python -m inference")
        configure_logging("inference", config.log_level, config.log_format)
        if config.ready_fd is not None:
            # uvloop's child processes inherit what is inheritable; one that held this
            # pipe open would keep who started us waiting for its end.
            os.set_inheritable(config.ready_fd, False)
        check_tracing(config)
        counters = CascadeCounters()
        engines = available_engines(config, counters)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config, engines, counters))
    except (SettingError, OSError) as error:
        print(f"inference: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.e2e.echo_inference`: the inference tier with its echo, which loads nothing."""

import os
import sys

import uvloop

from chassis.logs import configure_logging
from chassis.settings import load
from inference.config import InferenceConfig
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.echo import EchoEngine
from inference.server import serve


def main() -> int:
    config = load(InferenceConfig, sys.argv[1:], os.environ, prog="python -m inference")
    configure_logging("inference", config.log_level, config.log_format)
    uvloop.run(serve(config, [EchoEngine()], CascadeCounters()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

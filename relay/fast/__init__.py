"""The relay's fast path: the router's decisions for ordinary packets, compiled by numba.

Import its modules only where `available` says so: the relay works without numba, by
`relay.router` alone.
"""

import sys
from importlib.util import find_spec

available = sys.platform == "linux" and all(map(find_spec, ("numba", "numpy")))
"""Whether the system calls of the fast path exist, and what compiles it is installed."""

"""`python -m loadtest`: the `antiphon-loadtest` command, where it is not installed."""

import sys

from loadtest.cli import main

sys.exit(main())

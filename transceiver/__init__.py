"""The tier that ends WebRTC: calls, from their offers to their last packets."""

import os

# Before anything imports numpy, which would start a thread for each core in every worker, for
# products of large matrices. Nothing here makes any.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

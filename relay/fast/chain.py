"""Chains of records: a bucket holds the first slot of its chain, `next` of a record the next."""

from typing import Any

from relay.fast.compiling import jit
from relay.fast.layouts import i64


@jit
def unchain(records: Any, buckets: Any, bucket: int, slot: int) -> None:
    """Take the record in `slot` out of the chain of `bucket`, which it is in."""
    at = i64(buckets[bucket])
    if at == slot:
        buckets[bucket] = records[slot].next
        return
    while records[at].next != slot:
        at = i64(records[at].next)
    records[at].next = records[slot].next

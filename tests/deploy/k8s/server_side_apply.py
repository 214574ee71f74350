"""What an apply leaves of an object, if the one who applies is the only one who does."""

import copy
from typing import Any


def merged(live: dict[str, Any], last: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """`live`, with what is `wanted` and without what was only wanted `last` time.

    Maps are merged by key; a list is replaced whole. What others wrote, such as the replicas that
    an autoscaler asks for, stays where the applied object says nothing of it.
    """
    result = {
        key: copy.deepcopy(value)
        for key, value in live.items()
        if key in wanted or key not in last or isinstance(value, dict)
    }
    for key in [key for key in result if key not in wanted and key in last]:
        result[key] = merged(result[key], last[key], {})
        if not result[key]:
            del result[key]
    for key, value in wanted.items():
        result[key] = _merged_value(live.get(key), last.get(key), value)
    return result


def _merged_value(live: Any, last: Any, wanted: Any) -> Any:
    if not isinstance(wanted, dict):
        return copy.deepcopy(wanted)
    return merged(
        live if isinstance(live, dict) else {}, last if isinstance(last, dict) else {}, wanted
    )

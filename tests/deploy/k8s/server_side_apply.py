"""What an apply leaves of an object, if the one who applies is the only one who does.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

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


def managed_fields(item: dict[str, Any], operation: str, subresource: str = "") -> dict[str, Any]:
    """An entry of `metadata.managedFields` for what `item` mentions; lists as a whole."""
    entry = {
        "manager": subresource or "helm",
        "operation": operation,
        "apiVersion": item["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields(item),
    }
    return entry | ({"subresource": subresource} if subresource else {})


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {f"f:{key}": _fields(inner) for key, inner in value.items()}

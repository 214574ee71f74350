"""Secrets as Helm's storage sends them: in Kubernetes' protobuf, which it speaks without asking.

https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

import base64
from collections import defaultdict
from typing import Any

MAGIC = b"k8s\x00"

Fields = dict[int, list[bytes]]

_RAW = 2
_METADATA, _DATA, _TYPE = 1, 2, 3
_NAME, _NAMESPACE, _LABELS = 1, 3, 11
_KEY, _VALUE = 1, 2


def decode_secret(body: bytes) -> dict[str, Any]:
    """The Secret as JSON would have it. Raises ValueError for what is no such body."""
    if not body.startswith(MAGIC):
        raise ValueError("not Kubernetes' protobuf")
    secret = _fields(_fields(body[len(MAGIC) :])[_RAW][0])
    metadata = _fields(secret[_METADATA][0])
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": _text(metadata, _NAME),
            "namespace": _text(metadata, _NAMESPACE),
            "labels": {key: value.decode() for key, value in _entries(metadata, _LABELS)},
        },
        "type": _text(secret, _TYPE),
        "data": {key: base64.b64encode(value).decode() for key, value in _entries(secret, _DATA)},
    }


def _entries(fields: Fields, number: int) -> list[tuple[str, bytes]]:
    entries = [_fields(entry) for entry in fields.get(number, [])]
    return [(_text(entry, _KEY), entry[_VALUE][0]) for entry in entries]


def _text(fields: Fields, number: int) -> str:
    return fields[number][0].decode() if number in fields else ""


def _fields(message: bytes) -> Fields:
    """The length-delimited fields by number; varints are read over."""
    fields: Fields = defaultdict(list)
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        length, at = _varint(message, at)
        if tag & 7 == 2:
            fields[tag >> 3].append(message[at : at + length])
            at += length
        elif tag & 7 != 0:
            raise ValueError(f"unexpected wire type {tag & 7}")
    return dict(fields)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return value, at

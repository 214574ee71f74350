"""Names, labels and quantities as the API server takes them.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and /labels/
"""

import re
from decimal import Decimal
from typing import Any

from tests.deploy.k8s.refused import refuse

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|)")
_FACTORS = {"m": Decimal("0.001"), "": Decimal(1)} | {
    prefix + suffix: Decimal(base) ** power
    for suffix, base in (("", 1000), ("i", 1024))
    for power, prefix in enumerate(("k" if not suffix else "K", "M", "G", "T", "P"), start=1)
}


def check_subdomain(field: str, name: str) -> None:
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        refuse(field, f"{name!r}: must be an RFC 1123 subdomain of at most 253 characters")


def check_label(field: str, name: str) -> None:
    if len(name) > 63 or not _LABEL.fullmatch(name):
        refuse(field, f"{name!r}: must be an RFC 1123 label of at most 63 characters")


def check_service_name(field: str, name: str) -> None:
    if len(name) > 63 or not _SERVICE.fullmatch(name):
        refuse(field, f"{name!r}: must be an RFC 1035 label of at most 63 characters")


def check_port_name(field: str, name: str) -> None:
    if len(name) > 15 or not _PORT_NAME.fullmatch(name):
        refuse(field, f"{name!r}: must be at most 15 lower-case letters, digits and hyphens")


def check_port(field: str, number: int) -> None:
    if not 1 <= number <= 65_535:
        refuse(field, f"{number}: must be between 1 and 65535")


def check_labels(field: str, labels: dict[str, Any] | None) -> None:
    for key, value in (labels or {}).items():
        check_qualified_name(field, key)
        if not isinstance(value, str) or len(value) > 63:
            refuse(f"{field}.{key}", f"{value!r}: must be a string of at most 63 characters")
        if value and not _QUALIFIED.fullmatch(value):
            refuse(f"{field}.{key}", f"{value!r}: not a label's value")


def check_qualified_name(field: str, key: str) -> None:
    """Such as `app.kubernetes.io/name`."""
    prefix, _, name = key.rpartition("/")
    if prefix:
        check_subdomain(field, prefix)
    if len(name) > 63 or not _QUALIFIED.fullmatch(name):
        refuse(field, f"{key!r}: not a qualified name")


def quantity(field: str, text: str | float) -> Decimal:
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        refuse(field, f"{text!r}: not a quantity")
    return Decimal(match[1]) * _FACTORS[match[2]]

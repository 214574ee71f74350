"""The name of an object of Kubernetes in its namespace."""

import re
from dataclasses import dataclass

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names"""


@dataclass(frozen=True, slots=True)
class NamespacedName:
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "NamespacedName":
        """Read `NAMESPACE/NAME`. Raises ValueError for anything else."""
        namespace, _, name = text.partition("/")
        if not (_NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name) and len(name) <= 253):
            raise ValueError(f"expected NAMESPACE/NAME, not {text!r}")
        return cls(namespace, name)

    def path(self, resource: str) -> str:
        """Where the API server has the object of that kind, such as `secrets`."""
        return f"/api/v1/namespaces/{self.namespace}/{resource}/{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

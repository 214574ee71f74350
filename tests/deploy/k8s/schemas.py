"""What objects may look like: Kubernetes' own schemas of one version, and those of the CRDs.

Strict, as a server checks with fieldValidation=Strict: a field that nothing knows is an error.
"""

import functools
import importlib.resources
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

JsonObject = Mapping[str, Any]

NPM = Path(__file__).parents[2] / "e2e/npm/node_modules/@kubernetes-models"

CRD_FILES = {
    ("monitoring.coreos.com/v1", "PodMonitor"): "prometheus-operator",
    ("monitoring.coreos.com/v1", "ServiceMonitor"): "prometheus-operator",
    ("monitoring.coreos.com/v1", "PrometheusRule"): "prometheus-operator",
    ("keda.sh/v1alpha1", "ScaledObject"): "keda",
    ("keda.sh/v1alpha1", "TriggerAuthentication"): "keda",
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): "gateway-api",
    ("gateway.networking.k8s.io/v1", "Gateway"): "gateway-api",
    ("gateway.networking.k8s.io/v1alpha2", "TCPRoute"): "gateway-api",
    ("gateway.networking.k8s.io/v1alpha2", "TLSRoute"): "gateway-api",
    ("gateway.networking.k8s.io/v1alpha2", "UDPRoute"): "gateway-api",
}
"""Custom resources that a chart may ask for, and the package that has their CRD's schema."""


class UnknownKindError(ValueError):
    """No such kind in this version of Kubernetes."""


class InvalidObjectError(ValueError):
    """The text has the path of the field and what is wrong with it."""


def supported_versions() -> list[str]:
    """Versions that there are schemas of, such as `1.37`, oldest first."""
    names = [folder.name for folder in _schema_root().iterdir() if "strict" in folder.name]
    return sorted((name[1:].rsplit(".", 1)[0] for name in names), key=_number)


def has_kind(version: str, api_version: str, kind: str) -> bool:
    return (api_version, kind) in CRD_FILES or _kind_file(version, api_version, kind).is_file()


def check(version: str, item: JsonObject) -> None:
    """Raises UnknownKindError and InvalidObjectError."""
    api_version, kind = item["apiVersion"], item["kind"]
    error = best_match(_validator(version, api_version, kind).iter_errors(item))
    if error is not None:
        path = ".".join(str(part) for part in error.absolute_path)
        raise InvalidObjectError(f"{path or 'object'}: {error.message[:500]}")


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> Draft202012Validator:
    if (api_version, kind) in CRD_FILES:
        return Draft202012Validator(_custom_schema(api_version, kind), registry=_registry(version))
    file = _kind_file(version, api_version, kind)
    if not file.is_file():
        raise UnknownKindError(f'no matches for kind "{kind}" in version "{api_version}"')
    return Draft202012Validator(json.loads(file.read_text()), registry=_registry(version))


@functools.cache
def _registry(version: str) -> Registry[Any]:
    definitions = json.loads((_folder(version) / "_definitions.json").read_text())
    resource = Resource.from_contents(definitions, default_specification=DRAFT202012)
    return Registry().with_resource(definitions["$id"], resource)


def _custom_schema(api_version: str, kind: str) -> JsonObject:
    """The package writes the CRD's schema as JSON into a module."""
    package = NPM / CRD_FILES[api_version, kind]
    text = (package / api_version / f"{kind}.js").read_text()
    schema, _ = json.JSONDecoder().raw_decode(text, text.index("const schema = ") + 15)
    schema["properties"]["metadata"] = {
        "$ref": "https://kubernetes.io/api/_definitions.json"
        "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    }
    return _strict(schema)


def _strict(schema: Any) -> Any:
    """A CRD's schema under which unknown fields are errors."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _strict(value) for key, value in schema.items() if key != "default"}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        inner.setdefault("additionalProperties", False)
    return inner


def _kind_file(version: str, api_version: str, kind: str) -> Path:
    group, _, release = api_version.rpartition("/")
    short = f"{group.split('.')[0]}-{release}" if group else release
    return _folder(version) / f"{kind.lower()}-{short}.json"


def _folder(version: str) -> Path:
    return _schema_root() / f"v{version}.0-local-strict"


@functools.cache
def _schema_root() -> Path:
    return Path(str(importlib.resources.files("kubernetes_validate"))) / "kubernetes-json-schema"


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def crd_groups() -> frozenset[str]:
    """The API groups of the custom resources that are known here."""
    return frozenset(api_version.split("/")[0] for api_version, _ in CRD_FILES)

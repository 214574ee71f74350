"""A Kubernetes API server's memory: what it serves, and what it refuses.

No network: `ask` takes a request and returns the reply. It serves the kinds that its version
of Kubernetes has, applies server-side (https://kubernetes.io/docs/reference/using-api/server-side-apply/),
and checks each object by the version's strict schema and by the rules that schemas cannot tell.
"""

import base64
import copy
import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.deploy.k8s import protobuf_secret, schemas
from tests.deploy.k8s.discovery import Discovery
from tests.deploy.k8s.server_side_apply import managed_fields, merged
from tests.deploy.k8s.validation import RefusedError, check_object, check_update

Item = dict[str, Any]
Key = tuple[str, str, str | None, str]
"""API version, plural, namespace and name."""

AUTOSCALER = "kube-controller-manager"

_REASONS = {404: "NotFound", 409: "AlreadyExists", 422: "Invalid", 400: "BadRequest"}


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is None where nothing is said: a watch that ends without an event."""

    status: int
    body: Item | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request's path points."""

    api_version: str
    plural: str
    namespace: str | None
    name: str | None


@dataclass
class Cluster:
    """`version` such as 1.30; `crd_groups` are the API groups whose CRDs are installed."""

    version: str
    crd_groups: frozenset[str] = frozenset()
    items: dict[Key, Item] = field(default_factory=dict)
    applied: dict[Key, Item] = field(default_factory=dict)
    scaled: set[Key] = field(default_factory=set)
    asked: int = 0

    def __post_init__(self) -> None:
        self.discovery = Discovery(self.version, self.crd_groups)
        for name in ("default", "kube-system"):
            self._write(
                Place("v1", "namespaces", None, name),
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
            )
        self._own = set(self.items)

    def left(self) -> list[Item]:
        """Everything that clients made and that is still there."""
        return [item for key, item in self.items.items() if key not in self._own]

    def ask(
        self, method: str, path: str, query: dict[str, str], content_type: str, body: bytes
    ) -> Reply:
        self.asked += 1
        found = self.discovery.document(path)
        if found is not None:
            return Reply(200, found)
        place = _place(path)
        if place is None or not self.discovery.serves(place.api_version, place.plural):
            return _failure(404, f"the server could not find the requested resource: {path}")
        try:
            return self._answer(method, place, query, content_type, body)
        except (schemas.InvalidObjectError, schemas.UnknownKindError, RefusedError) as error:
            return _failure(422, f"{place.plural} {place.name or ''}: {error}")

    def _answer(
        self, method: str, place: Place, query: dict[str, str], content_type: str, body: bytes
    ) -> Reply:
        if method == "GET":
            return self._get(place, query)
        if method == "DELETE":
            return self._delete(place)
        item = _decoded(content_type, body)
        if method == "POST":
            return self._create(place, item)
        if method == "PUT":
            return self._replace(place, item)
        if content_type.startswith("application/apply-patch"):
            return self._apply(place, item)
        return _failure(415, f"no {method} of {content_type}: clients here apply server-side")

    def _get(self, place: Place, query: dict[str, str]) -> Reply:
        if place.name is not None:
            item = self.items.get(_key(place))
            return Reply(200, item) if item else _missing(place)
        if query.get("sendInitialEvents"):
            return _failure(422, "sendInitialEvents: Forbidden: clients list before they watch")
        if query.get("watch"):
            return Reply(200, None)
        found = [item for key, item in self.items.items() if _within(key, place)]
        selected = [item for item in found if _selects(query.get("labelSelector", ""), item)]
        kind = self.discovery.kind(place.api_version, place.plural)
        return Reply(
            200,
            {
                "apiVersion": place.api_version,
                "kind": f"{kind}List",
                "metadata": {},
                "items": selected,
            },
        )

    def _delete(self, place: Place) -> Reply:
        item = self.items.pop(_key(place), None)
        self.applied.pop(_key(place), None)
        self.scaled.discard(_key(place))
        return Reply(200, item) if item else _missing(place)

    def _create(self, place: Place, item: Item) -> Reply:
        place = Place(place.api_version, place.plural, place.namespace, item["metadata"]["name"])
        if _key(place) in self.items:
            return _failure(409, f"{place.plural} {place.name} already exists")
        return self._store(place, item, None, 201)

    def _replace(self, place: Place, item: Item) -> Reply:
        old = self.items.get(_key(place))
        return self._store(place, item, old, 200) if old else _missing(place)

    def _apply(self, place: Place, item: Item) -> Reply:
        key = _key(place)
        old = self.items.get(key)
        if key in self.scaled and old and _replicas(item) not in (None, _replicas(old)):
            return _failure(409, f"conflict with {AUTOSCALER!r}: .spec.replicas", "Conflict")
        new = merged(old or {}, self.applied.get(key, {}), item)
        reply = self._store(place, new, old, 200 if old else 201)
        if reply.status < 300:
            self.applied[key] = copy.deepcopy(item)
            self._tell_owners(key)
        return reply

    def scale(self, deployment: str, replicas: int) -> None:
        """As an autoscaler does: who applied another number no longer owns it."""
        (key,) = [key for key in self.items if key[1] == "deployments" and key[3] == deployment]
        if _replicas(self.items[key]) != replicas:
            self.items[key]["spec"]["replicas"] = replicas
            self.applied[key]["spec"].pop("replicas", None)
            self.scaled.add(key)
            self._tell_owners(key)

    def _tell_owners(self, key: Key) -> None:
        owners = [managed_fields(self.applied[key], "Apply")]
        if key in self.scaled:
            scale = {"apiVersion": key[0], "spec": {"replicas": 0}}
            owners.append(managed_fields(scale, "Update", subresource="scale"))
        self.items[key]["metadata"]["managedFields"] = owners

    def _store(self, place: Place, item: Item, old: Item | None, status: int) -> Reply:
        if place.namespace and ("v1", "namespaces", None, place.namespace) not in self.items:
            return _failure(404, f'namespaces "{place.namespace}" not found')
        if self.discovery.kind(place.api_version, place.plural) != item["kind"]:
            return _failure(400, f"{item['kind']} sent to {place.plural}")
        schemas.check(self.version, item)
        check_object(item)
        if old is not None:
            check_update(old, item)
        return Reply(status, self._write(place, item))

    def _write(self, place: Place, item: Item) -> Item:
        stored = copy.deepcopy(item)
        metadata = stored["metadata"]
        old = self.items.get(_key(place), {"metadata": {}})["metadata"]
        if place.namespace:
            metadata["namespace"] = place.namespace
        metadata["uid"] = old.get("uid", f"00000000-0000-4000-8000-{self.asked:012d}")
        metadata["resourceVersion"] = str(self.asked)
        metadata["creationTimestamp"] = old.get("creationTimestamp", "2026-01-01T00:00:00Z")
        _as_stored(stored)
        self.items[_key(place)] = stored
        return stored


def _as_stored(item: Item) -> None:
    """What a server does to some kinds on their way in."""
    if item["kind"] == "Secret" and item.get("stringData"):
        texts = item.pop("stringData")
        item["data"] = (item.get("data") or {}) | {
            key: base64.b64encode(text.encode()).decode() for key, text in texts.items()
        }
    if item["kind"] == "Deployment":
        item["spec"].setdefault("replicas", 1)


def _replicas(item: Item) -> int | None:
    return (item.get("spec") or {}).get("replicas")


def _decoded(content_type: str, body: bytes) -> Item:
    if content_type == "application/vnd.kubernetes.protobuf":
        return protobuf_secret.decode_secret(body)
    item: Item = yaml.safe_load(body) if "yaml" in content_type else json.loads(body)
    return item


def _place(path: str) -> Place | None:
    """`/api/v1/...` and `/apis/GROUP/VERSION/...`, in a namespace or not."""
    parts = path.strip("/").split("/")
    start = {"api": 2, "apis": 3}.get(parts[0])
    if start is None or len(parts) <= start:
        return None
    api_version, rest = "/".join(parts[1:start]), parts[start:]
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return Place(api_version, rest[0], namespace, rest[1] if len(rest) > 1 else None)


def _key(place: Place) -> Key:
    assert place.name is not None
    return place.api_version, place.plural, place.namespace, place.name


def _within(key: Key, place: Place) -> bool:
    return key[:2] == (place.api_version, place.plural) and place.namespace in (None, key[2])


def _selects(selector: str, item: Item) -> bool:
    labels = item["metadata"].get("labels") or {}
    pairs = [part.partition("=") for part in selector.split(",") if part]
    return all(labels.get(key) == value.lstrip("=") for key, _, value in pairs)


def _missing(place: Place) -> Reply:
    return _failure(404, f'{place.plural} "{place.name}" not found')


def _failure(code: int, message: str, reason: str = "") -> Reply:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason or _REASONS.get(code, "Unknown"),
        "code": code,
    }
    return Reply(code, status)

"""`antiphon keys rotate`: gives the cluster fresh keys, while calls go on."""

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from antiphon.admin_ports import AdminPortList
from antiphon.key_file_text import KeyFileText
from antiphon.key_reports import collect_reports
from antiphon.key_rotation import (
    Due,
    KeyReport,
    Patience,
    RotationError,
    Settled,
    Step,
    Waiting,
    appended,
    next_step,
)
from antiphon.key_store import (
    ChangedMeanwhileError,
    KeyFile,
    KeySecret,
    KeyStore,
    KeyStoreError,
)
from antiphon.kubernetes_api import PodAccess
from antiphon.namespaced_name import NamespacedName
from antiphon.rotation_status import found_lines, status_lines
from antiphon_proto.cluster_keys import SECRET_BYTES, ClusterKeyError
from chassis.settings import SettingError, load, setting, switch, whole_number

POLL_S = 2.0

_DONE = {
    Step.APPEND: "added keys that read: config id {ids}",
    Step.PROMOTE: "mint from now on: config id {ids}",
    Step.RETIRE: "read only, nobody mints by them any more: config id {ids}",
    Step.RECALL: "still minted by, their time begins anew: config id {ids}",
    Step.REMOVE: "removed: config id {ids}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSettings:
    """Gives the cluster fresh keys: adds them, has them mint once every relay and transceiver
    can read them, and removes the old ones when nothing that they minted is in use.

    A rotation that was begun is gone on with; all that is known of it is in the keys' own text.
    """

    cluster_keys: str | None = setting(
        None, parse=str, help="the key file, on this machine; unless --secret is given"
    )
    secret: NamespacedName | None = setting(
        None, parse=NamespacedName.parse, help="NAMESPACE/NAME of the Secret, from within a pod"
    )
    secret_key: str = setting("cluster.keys", parse=str, help="where in the Secret's data")
    relay_admins: AdminPortList = setting(
        parse=AdminPortList.parse,
        help="admin ports of all relays: HOST:PORT, HOST:FIRST-LAST, dns:NAME:PORT for every "
        "address of a name, several with commas between them",
    )
    transceiver_admins: AdminPortList = setting(
        parse=AdminPortList.parse, help="the same of all transceivers, a port for each worker"
    )
    wait: bool = switch(help="stay until the rotation is over, which takes hours")
    resume: bool = switch(help="go on with a rotation that was begun; begin none")
    status: bool = switch(help="tell how far it is, and change nothing")
    dry_run: bool = switch(help="tell the next step, and do not take it")
    settle_seconds: int = setting(
        10,
        parse=whole_number(0),
        help="how long processes that start may have an earlier copy of the keys",
    )
    keep_seconds: int = setting(
        0,
        parse=whole_number(0),
        help="keep keys so long at least that minted; by default as long as transceivers say "
        "that what they made may be in use",
    )

    def __post_init__(self) -> None:
        if self.cluster_keys is None and self.secret is None:
            raise SettingError("--cluster-keys or --secret is required")


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 when all was done that could be done now, 1 for what needs somebody's attention."""
    settings = load(RotateSettings, argv, environ, prog="antiphon keys rotate")
    rotation = _Rotation(settings, _store(settings, environ), _Output())
    try:
        return asyncio.run(rotation.run())
    except (KeyStoreError, ClusterKeyError, RotationError) as error:
        print(f"antiphon keys rotate: {error}", file=sys.stderr)
        return 1


def _store(settings: RotateSettings, environ: Mapping[str, str]) -> KeyStore:
    if settings.secret is not None:
        access = PodAccess.of_environment(environ)
        return KeySecret(access, settings.secret, settings.secret_key)
    assert settings.cluster_keys is not None
    return KeyFile(settings.cluster_keys)


@dataclass(slots=True)
class _Output:
    """Lines on standard output, each once while it stays true."""

    last: str = field(default="")

    def say(self, text: str) -> None:
        if text != self.last:
            print(text, flush=True)
        self.last = text


@dataclass(slots=True)
class _Look:
    """What was found at one moment."""

    file: KeyFileText
    version: str
    reports: Sequence[KeyReport]
    found: Due | Waiting | Settled


class _Rotation:
    def __init__(
        self,
        settings: RotateSettings,
        store: KeyStore,
        output: _Output,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store
        self._output = output
        self._clock = clock
        self._patience = Patience(settings.settle_seconds, settings.keep_seconds)
        self._seen = settings.resume
        """Whether one is, or was, under way, so that none is to be begun."""

    async def run(self) -> int:
        while True:
            try:
                look = await self._look()
                if self._settings.status:
                    print("\n".join(status_lines(look.file, look.reports, look.found)))
                    return 0
                code = await self._act(look)
            except ChangedMeanwhileError as error:
                self._output.say(f"{error}; looking again")
                code = None
            except KeyStoreError as error:
                if not self._settings.wait:
                    raise
                self._output.say(f"{error}; trying again")
                code = None
                await asyncio.sleep(POLL_S)
            if code is not None:
                return code

    async def _look(self) -> _Look:
        stored = await self._store.read()
        file = KeyFileText.parse(stored.text)
        settings = self._settings
        reports = await collect_reports(settings.relay_admins, settings.transceiver_admins)
        found = next_step(file, reports, self._clock(), self._patience)
        return _Look(file, stored.version, reports, found)

    async def _act(self, look: _Look) -> int | None:
        """The exit code, when there is nothing more to do."""
        match look.found:
            case Settled(reasons) if reasons:
                # Nothing new is begun before they have.
                return await self._wait(look.found, code=0 if self._seen else 1)
            case Settled() if self._seen:
                self._output.say("no rotation is under way")
                return 0
            case Settled():
                secret = secrets.token_bytes(SECRET_BYTES)
                return await self._take(look, appended(look.file, secret, self._clock()))
            case Waiting():
                self._seen = True
                return await self._wait(look.found, code=0)
            case due:
                return await self._take(look, due)

    async def _take(self, look: _Look, due: Due) -> int | None:
        ids = ", ".join(str(line.config.id) for line in due.lines)
        if self._settings.dry_run:
            self._output.say(f"would {due.step.value}: config id {ids}")
            return 0
        await self._store.replace(str(due.file), look.version)
        self._seen = True
        self._output.say(_DONE[due.step].format(ids=ids))
        return None

    async def _wait(self, found: Waiting | Settled, code: int) -> int | None:
        self._output.say("\n".join(found_lines(found)))
        if not self._settings.wait or self._settings.dry_run:
            return code
        await asyncio.sleep(POLL_S)
        return None

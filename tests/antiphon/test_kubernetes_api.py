from pathlib import Path

import pytest
from aiohttp import web

from antiphon.kubernetes_api import KubernetesApi, KubernetesApiError, PodAccess
from chassis.host_port import HostPort
from chassis.settings import SettingError
from tests.antiphon.kubernetes_pod import pod_access

SECRET = "/api/v1/namespaces/voice/secrets/antiphon-cluster-keys"


async def test_gets_and_patches_an_object(tmp_path: Path) -> None:
    asked: list[tuple[str, str, str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        kind = request.headers.get("Content-Type", "")
        asked.append((request.method, request.path, kind, await request.read()))
        return web.json_response({"kind": "Secret"})

    async with pod_access(tmp_path, answer) as access, KubernetesApi(access) as api:
        assert await api.get(SECRET) == {"kind": "Secret"}
        assert await api.merge_patch(SECRET, {"data": {"a": "b"}}) == {"kind": "Secret"}
    assert asked[0][:2] == ("GET", SECRET)
    assert asked[1] == ("PATCH", SECRET, "application/merge-patch+json", b'{"data": {"a": "b"}}')


async def test_reads_the_token_each_time(tmp_path: Path) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({})

    async with pod_access(tmp_path, answer) as access, KubernetesApi(access) as api:
        (access.account / "token").write_text("an old one")
        with pytest.raises(KubernetesApiError, match="401 Unauthorized"):
            await api.get(SECRET)
        (access.account / "token").write_text("a-token")
        assert await api.get(SECRET) == {}


async def test_says_the_status_and_the_servers_words(tmp_path: Path) -> None:
    async def conflict(_request: web.Request) -> web.Response:
        return web.json_response({"message": "the object has been modified"}, status=409)

    async with pod_access(tmp_path, conflict) as access, KubernetesApi(access) as api:
        with pytest.raises(KubernetesApiError, match="409 the object has been modified") as caught:
            await api.merge_patch(SECRET, {})
    assert caught.value.status == 409


@pytest.mark.parametrize("body", ["[]", "<html>"])
async def test_refuses_what_is_no_object(body: str, tmp_path: Path) -> None:
    async def nonsense(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    async with pod_access(tmp_path, nonsense) as access, KubernetesApi(access) as api:
        with pytest.raises(KubernetesApiError, match="no object"):
            await api.get(SECRET)


async def test_trusts_no_other_server(tmp_path: Path) -> None:
    async def never(_request: web.Request) -> web.Response:
        raise AssertionError

    (tmp_path / "other").mkdir()
    (tmp_path / "one").mkdir()
    async with (
        pod_access(tmp_path / "other", never) as other,
        pod_access(tmp_path / "one", never) as one,
        KubernetesApi(PodAccess(one.server, other.account)) as api,
    ):
        with pytest.raises(KubernetesApiError, match="certificate") as caught:
            await api.get(SECRET)
    assert caught.value.status is None


async def test_sends_nothing_to_where_a_server_would_redirect_it(tmp_path: Path) -> None:
    asked = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with pod_access(tmp_path, elsewhere) as access, KubernetesApi(access) as api:
        with pytest.raises(KubernetesApiError, match="307") as caught:
            await api.merge_patch(SECRET, {})
    assert (caught.value.status, asked) == (307, [SECRET])


def test_knows_where_the_server_is() -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert PodAccess.of_environment(environ).url == "https://[fd00::1]:6443"


@pytest.mark.parametrize(
    "environ", [{}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "x"}]
)
def test_says_that_this_is_no_pod(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="not in a pod"):
        PodAccess.of_environment(environ)


async def test_says_that_there_is_no_service_account(tmp_path: Path) -> None:
    with pytest.raises(KubernetesApiError, match=r"ca\.crt: No such file"):
        async with KubernetesApi(PodAccess(HostPort("127.0.0.1", 1), tmp_path)):
            pass

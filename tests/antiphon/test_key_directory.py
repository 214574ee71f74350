from pathlib import Path

import pytest

from antiphon import keys
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.settings import SettingError
from transceiver.signaling.api_keys import ApiKeys


def test_it_makes_what_is_not_there_and_keeps_what_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys.run(["init", str(tmp_path)], {}) == 0
    cluster, api = (tmp_path / name for name in ("cluster.keys", "api.keys"))
    texts = cluster.read_text(), api.read_text()
    assert ClusterKeys.parse(texts[0])
    assert ApiKeys(texts[1].splitlines())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    api.unlink()
    assert keys.run(["init", str(tmp_path)], {}) == 0
    assert cluster.read_text() == texts[0]
    assert api.read_text() != texts[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.keys", "cluster.keys"]
    said = capsys.readouterr().out
    assert f"{cluster}: is there already" in said
    assert api.read_text().strip() not in said


@pytest.mark.parametrize("argv", [["init"], ["init", "a", "b"], ["init", "/nowhere/at/all"]])
def test_without_a_directory_it_says_so(argv: list[str]) -> None:
    with pytest.raises(SettingError, match="init"):
        keys.run(argv, {})

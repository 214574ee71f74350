import pytest

from antiphon import keys
from antiphon_proto.cluster_keys import ClusterKeys


def test_a_cluster_key_file_is_one_that_the_tiers_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.run(["cluster"], {}) == 0
    first = capsys.readouterr().out
    assert len(ClusterKeys.parse(first).derive("test")) == 32
    keys.run(["cluster"], {})
    assert capsys.readouterr().out != first


def test_an_api_key_is_one_line_and_never_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    keys.run(["api"], {})
    keys.run(["api"], {})
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    assert first.startswith("sk-antiphon-")
    assert len(first) >= 40

import pytest

from antiphon.runtime_directory import RuntimeDirectory


def test_secrets_are_readable_by_their_owner_alone_and_gone_at_the_end() -> None:
    with RuntimeDirectory() as directory:
        path = directory.write_secret("api.keys", "sk-1")
        assert path.read_text() == "sk-1\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert directory.path.stat().st_mode & 0o777 == 0o700
    assert not directory.path.exists()


def test_a_secret_never_overwrites_a_file() -> None:
    with RuntimeDirectory() as directory:
        directory.write_secret("api.keys", "sk-1")
        with pytest.raises(FileExistsError):
            directory.write_secret("api.keys", "sk-2")

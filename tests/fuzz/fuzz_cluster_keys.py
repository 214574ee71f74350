"""Key files: any text parses or is refused, and no complaint repeats a secret."""

from antiphon_proto.cluster_keys import ClusterKeyError, ClusterKeys

SECRET = bytes(range(32))
SEEDS = [
    ClusterKeys.generate(SECRET).encode(),
    f"# rotation\n2 ipv4 {SECRET.hex()}\n0 ipv4 {SECRET.hex()} # old\n".encode(),
]


def one_input(data: bytes) -> None:
    try:
        keys = ClusterKeys.parse(data.decode("latin-1"))
    except ClusterKeyError as error:
        complaint = str(error)
        assert SECRET.hex()[:16] not in complaint
        return
    assert len({config.id for config in keys.configs}) == len(keys.configs) > 0
    assert all(0 <= config.id <= 6 and len(config.secret) == 32 for config in keys.configs)

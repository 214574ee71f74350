"""A worker's ICE credentials."""

from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.ufrag import SHORT_LIFETIME_S, UfragReader
from transceiver.credential_mint import CredentialMint

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
WITHOUT_SHORT = ClusterKeys.parse("0 ipv4 " + "11" * 32 + "\n1 ipv6 " + "11" * 32)
WORKER = ("192.0.2.10", 40_001)
NOW = 1_790_000_000
AN_HOUR = NOW + 3600


def mint(keys: ClusterKeys = KEYS, worker: tuple[str, int] = WORKER) -> CredentialMint:
    return CredentialMint(keys, worker, cluster_id=1, incarnation=2)


def test_short_ones_name_the_worker_in_16_characters() -> None:
    pair = mint().mint_short(AN_HOUR, NOW)
    owner = UfragReader(KEYS).read(pair.ufrag.encode(), NOW)
    assert len(pair.ufrag) == 16
    assert ((owner.address, owner.port), owner.cluster_id, owner.incarnation) == (WORKER, 1, 2)
    assert AN_HOUR <= owner.not_after < AN_HOUR + 3600
    assert UfragReader(KEYS).password(pair.ufrag.encode()).decode() == pair.password


def test_short_ones_of_an_hour_are_all_different() -> None:
    minting = mint()
    assert len({minting.mint_short(AN_HOUR, NOW).ufrag for _ in range(5000)}) == 5000


def test_where_a_short_one_cannot_be_it_has_the_usual_length() -> None:
    assert len(mint(WITHOUT_SHORT).mint_short(AN_HOUR, NOW).ufrag) == 23
    assert len(mint(worker=("2001:db8::a", 1)).mint_short(AN_HOUR, NOW).ufrag) == 44
    too_far = NOW + SHORT_LIFETIME_S + 1
    assert len(mint().mint_short(too_far, NOW).ufrag) == 23
    assert len(mint().mint_short(too_far - 1, NOW).ufrag) == 16

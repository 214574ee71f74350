from transceiver.regions.cluster_order import SILENT_S, ClusterOrder


def test_clusters_are_asked_as_the_zone_has_them() -> None:
    assert ClusterOrder(1).of((3, 1, 2), 0.0) == [3, 1, 2]


def test_one_that_was_silent_is_asked_last_for_a_while() -> None:
    order = ClusterOrder(1)
    order.silent(3, 100.0)
    assert order.of((3, 1, 2), 100.0) == [1, 2, 3]
    assert order.of((3, 1, 2), 100.0 + SILENT_S) == [3, 1, 2]


def test_one_that_answered_since_is_not() -> None:
    order = ClusterOrder(1)
    order.silent(3, 100.0)
    order.answered(3)
    assert order.of((3, 1), 100.1) == [3, 1]


def test_this_cluster_is_asked_in_its_place_whatever_its_api_does() -> None:
    order = ClusterOrder(1)
    order.silent(1, 100.0)
    assert order.of((1, 2), 100.0) == [1, 2]
    assert order.is_silent(1, 100.0)

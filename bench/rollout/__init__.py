"""Rolling updates of every tier under live calls, in a cluster of network namespaces."""

"""Places the calls that a coordinator orders, each when it was planned to begin."""

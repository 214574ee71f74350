"""How much fits: a search for it, a model of what calls cost, and predictions from that."""

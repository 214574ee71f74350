"""Whether a run held its service levels."""

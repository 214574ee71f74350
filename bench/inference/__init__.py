"""What the inference tier does, measured: docs/benchmarks.md."""

"""Recordings of what callers say: `questions.toml`, and `questions.opus-frames` made of it."""

"""What callers note, second by second, in a form that merges over processes."""

"""What happens to each call, compiled: it comes, is placed, ends; breaks, and comes back."""

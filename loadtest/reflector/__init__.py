"""A tunnel reflector: owner of relay callers' sessions, whose packets it sends back."""

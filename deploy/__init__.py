"""Running Mailroom: the demo beside its sandbox."""

"""The team's work: what is sent, by whom, and what became of it. Knows the gateway client, knows no pages."""

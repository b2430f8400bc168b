"""A stand-in for the OCA Email Gateway: same URLs, answers and awkward habits; no mail leaves."""

"""How fast Mailroom sends, measured from outside on this machine; `python -m bench` prints the tables."""

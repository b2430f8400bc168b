"""The largest request that "the proxy" in front of the gateway lets through."""

BODY_BYTES = 15 * 1024 * 1024

"""Viewers: who asks. Without authentication that is whoever reaches a loopback address, and may do everything."""

from gateway.context import GrantRecord, ViewerRecord


def local_administrator(home_namespace: str) -> ViewerRecord:
    """Give the viewer that everyone is without authentication (design, section 5)."""
    grants = tuple(GrantRecord(namespace=None, right=right) for right in ("READ", "INGEST"))
    return ViewerRecord(name="local administrator", home_namespace=home_namespace, grants=grants)

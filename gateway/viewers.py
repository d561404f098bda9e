"""Viewers: who asks. Without authentication that is whoever reaches a loopback address, and may do everything."""

from gateway.context import GrantRecord, ViewerRecord
from gateway.errors import ForbiddenError


def local_administrator(home_namespace: str) -> ViewerRecord:
    """Give the viewer that everyone is without authentication (design, section 5)."""
    rights = ("READ", "INGEST", "DELETE", "OPERATE", "ADMIN")
    grants = tuple(GrantRecord(namespace=None, right=right) for right in rights)
    return ViewerRecord(name="local administrator", home_namespace=home_namespace, grants=grants)


def require_right(viewer: ViewerRecord, right: str, *, namespace: str | None) -> None:
    """Raise ForbiddenError unless the caller holds a right in a namespace; None: in all of them."""
    if not any(grant.right == right and grant.namespace in (None, namespace) for grant in viewer.grants):
        place = "in every namespace" if namespace is None else f"in the namespace {namespace}"
        raise ForbiddenError(f"this needs the right {right} {place}, which you do not have")

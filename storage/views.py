"""Views for people at the SQL prompt: `readable_events` shows ids as text and times as dates (UTC)."""

from sqlalchemy import DDL, event

from storage.tables import metadata

_COLUMNS = (
    "n.name AS namespace, e.event_type, e.category, {severity} AS severity, e.severity_text, {occurred} AS occurred_at,"
    " {received} AS received_at, e.source, e.message, e.extra, e.duration_ms, e.success, e.actor, e.actor_claim,"
    " e.session_id, e.request_id, e.correlation_id, {parent} AS parent_id, e.trace_id, e.span_id, e.parent_span_id,"
    " {registration} AS registration_id, e.record_count, e.repeat_count, a.owner, a.readers"
)
_FROM = (
    " FROM events e JOIN namespaces n ON n.namespace_key = e.namespace_key"
    " JOIN audiences a ON a.audience_key = e.audience_key"
)
_SEVERITY = (
    "CASE e.severity WHEN 0 THEN 'DEBUG' WHEN 1 THEN 'INFO' WHEN 2 THEN 'NOTICE' WHEN 3 THEN 'WARNING'"
    " WHEN 4 THEN 'ERROR' ELSE 'CRITICAL' END"
)


def _mariadb_time(column: str) -> str:
    # Not FROM_UNIXTIME: that ends in 2038 and depends on the session's time zone.
    return f"TIMESTAMP('1970-01-01 00:00:00') + INTERVAL {column} MICROSECOND"


def _sqlite_time(column: str) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%S', {column} / 1000000, 'unixepoch') || printf('.%06d', {column} % 1000000)"


def _sqlite_id(column: str) -> str:
    digits = f"lower(hex({column}))"
    joined = " || '-' || ".join(
        f"substr({digits}, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE {joined} END"


def readable_events(dialect_name: str) -> str:
    """Give the CREATE VIEW statement for a dialect of SQLAlchemy: `sqlite`, else MariaDB's."""
    is_sqlite = dialect_name == "sqlite"
    id_text = _sqlite_id if is_sqlite else "CAST({} AS UUID)".format
    time_text = _sqlite_time if is_sqlite else _mariadb_time
    columns = _COLUMNS.format(
        severity=_SEVERITY,
        occurred=time_text("e.occurred_at"),
        received=time_text("e.received_at"),
        parent=id_text("e.parent_id"),
        registration=id_text("e.registration_id"),
    )
    security = "" if is_sqlite else "SQL SECURITY INVOKER "
    return f"CREATE {security}VIEW readable_events AS SELECT {id_text('e.id')} AS id, {columns}{_FROM}"


# DDL texts go through %-formatting once.
for _name in ("sqlite", "mysql", "mariadb"):
    event.listen(
        metadata,
        "after_create",
        DDL(readable_events(_name).replace("%", "%%")).execute_if(dialect=_name),  # type: ignore[no-untyped-call]
    )

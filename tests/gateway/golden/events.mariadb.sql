SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.event_type, events.category, events.severity, events.severity_text, events.occurred_at, events.received_at, events.source, events.message, NULL AS extra, events.duration_ms, events.success, events.actor, events.actor_claim, events.session_id, events.request_id, events.correlation_id, CAST(events.parent_id AS UUID) AS parent_id, events.trace_id, events.span_id, events.parent_span_id, CAST(events.registration_id AS UUID) AS registration_id, events.record_count, events.repeat_count, events.last_occurred_at, events.restored
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_time)
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;


SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.event_type, events.category, events.severity, events.severity_text, events.occurred_at, events.received_at, events.source, events.message, events.extra, events.duration_ms, events.success, events.actor, events.actor_claim, events.session_id, events.request_id, events.correlation_id, CAST(events.parent_id AS UUID) AS parent_id, events.trace_id, events.span_id, events.parent_span_id, CAST(events.registration_id AS UUID) AS registration_id, events.record_count, events.repeat_count, events.last_occurred_at, events.restored
FROM events
WHERE events.id IN (%s);


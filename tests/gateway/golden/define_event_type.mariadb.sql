INSERT INTO audiences (namespace_key, readers, owner, digest)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE digest = audiences.digest;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO event_types (namespace, name, category, subcategory, default_severity, enabled, required_details, optional_details, object_types, max_age_seconds, description, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE category =
VALUES(category), subcategory =
VALUES(subcategory), default_severity =
VALUES(default_severity), enabled =
VALUES(enabled), required_details =
VALUES(required_details), optional_details =
VALUES(optional_details), object_types =
VALUES(object_types), max_age_seconds =
VALUES(max_age_seconds), description =
VALUES(description), updated_at =
VALUES(updated_at);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO ingest_batches (received_at, event_count)
VALUES (%s, %s);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (%s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE high_water = (leases.high_water +
VALUES(high_water));

INSERT INTO namespaces (name)
VALUES (%s)
ON DUPLICATE KEY UPDATE name = namespaces.name;

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = %s AND audiences.digest IN (%s);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = %s AND audiences.digest IN (%s);

SELECT event_types.namespace, event_types.name, event_types.category, event_types.subcategory, event_types.default_severity, event_types.enabled, event_types.required_details, event_types.optional_details, event_types.object_types, event_types.max_age_seconds, event_types.description
FROM event_types
WHERE event_types.namespace = %s AND event_types.name = %s;

SELECT event_types.namespace, event_types.name, event_types.category, event_types.subcategory, event_types.default_severity, event_types.enabled, event_types.required_details, event_types.optional_details, event_types.object_types, event_types.max_age_seconds, event_types.description
FROM event_types
WHERE event_types.namespace = %s AND event_types.name = %s;

SELECT leases.epoch
FROM leases
WHERE leases.name = %s FOR UPDATE;

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);


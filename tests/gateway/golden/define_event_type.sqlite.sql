BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

INSERT INTO audiences (namespace_key, readers, owner, digest)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO event_types (namespace, name, category, subcategory, default_severity, enabled, required_details, optional_details, object_types, max_age_seconds, description, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, name) DO UPDATE SET category = excluded.category, subcategory = excluded.subcategory, default_severity = excluded.default_severity, enabled = excluded.enabled, required_details = excluded.required_details, optional_details = excluded.optional_details, object_types = excluded.object_types, max_age_seconds = excluded.max_age_seconds, description = excluded.description, updated_at = excluded.updated_at;

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO ingest_batches (received_at, event_count, position)
VALUES (?, ?, ?);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET high_water = (leases.high_water + excluded.high_water);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET high_water = (leases.high_water + excluded.high_water) RETURNING high_water;

INSERT INTO namespaces (name)
VALUES (?)
ON CONFLICT DO NOTHING;

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = ? AND audiences.digest IN (?);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = ? AND audiences.digest IN (?);

SELECT event_types.namespace, event_types.name, event_types.category, event_types.subcategory, event_types.default_severity, event_types.enabled, event_types.required_details, event_types.optional_details, event_types.object_types, event_types.max_age_seconds, event_types.description
FROM event_types
WHERE event_types.namespace = ? AND event_types.name = ?;

SELECT event_types.namespace, event_types.name, event_types.category, event_types.subcategory, event_types.default_severity, event_types.enabled, event_types.required_details, event_types.optional_details, event_types.object_types, event_types.max_age_seconds, event_types.description
FROM event_types
WHERE event_types.namespace = ? AND event_types.name = ?;

SELECT leases.epoch
FROM leases
WHERE leases.name = ?;

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);


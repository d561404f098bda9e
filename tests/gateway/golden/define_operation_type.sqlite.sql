BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

INSERT INTO audiences (namespace_key, readers, owner, digest)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

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

INSERT INTO operation_types (namespace, name, target_fields, description, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, name) DO UPDATE SET target_fields = excluded.target_fields, description = excluded.description, updated_at = excluded.updated_at;

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = ? AND audiences.digest IN (?);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = ? AND audiences.digest IN (?);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);

SELECT operation_types.namespace, operation_types.name, operation_types.target_fields, operation_types.description
FROM operation_types
WHERE operation_types.namespace = ? AND operation_types.name = ?;

SELECT operation_types.namespace, operation_types.name, operation_types.target_fields, operation_types.description
FROM operation_types
WHERE operation_types.namespace = ? AND operation_types.name = ?;


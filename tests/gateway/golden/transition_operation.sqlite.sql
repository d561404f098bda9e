BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO event_objects (object_key, audience_key, occurred_at, event_id, namespace_key, object_type, event_type, severity, role, success)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO ingest_batches (received_at, event_count, position)
VALUES (?, ?, ?);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET high_water = (leases.high_water + excluded.high_water) RETURNING high_water;

INSERT INTO object_audiences (object_key, audience_key)
VALUES (?, ?)
ON CONFLICT DO NOTHING;

INSERT INTO objects (namespace, object_type, object_id)
VALUES (?, ?, ?)
ON CONFLICT DO NOTHING;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.message, events.extra, events.duration_ms, events.success
FROM (SELECT place.occurred_at AS occurred_at, place.event_id AS id, place.namespace_key AS namespace_key
FROM event_objects AS place
WHERE place.object_key = ? AND place.audience_key = ?
ORDER BY place.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?);

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?);

SELECT objects.object_key, object_audiences.audience_key
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.object_type = ? AND objects.object_id = ? AND objects.namespace = ?
ORDER BY objects.object_key, object_audiences.audience_key;

SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (?);

SELECT operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_id IN (?);

SELECT operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_id IN (?);

SELECT operations.state, operations.updated_at
FROM operations
WHERE operations.operation_key = ?;

UPDATE operation_targets SET is_pending=?
WHERE operation_targets.operation_key = ?;

UPDATE operations SET state=?, is_pending=?, updated_at=?, finished_at=?
WHERE operations.operation_key = ?;

